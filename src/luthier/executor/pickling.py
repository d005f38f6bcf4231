"""Pickling of objectives and tasks for other processes.

Beside them only old events in memory are pickled, and old trials that MessagePack has no form of (`history.packed`).
A pickle is read only by a process that was started for it, or by the executor that the user chose. It is never stored
with a study, and nothing that a supervised worker sends back is unpickled; other libraries send results in their way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from luthier._hints import with_article
from luthier.errors import InvalidSetting
from luthier.executor.protocol import Task
from luthier.executor.running_trial import ObjectiveFunction


def pickle_objective(objective: ObjectiveFunction) -> bytes:
    """Pickle an objective: a function of a module by its name; one of a script, notebook or closure by its code.

    Raises:
        InvalidSetting: it is not callable, or it holds something that cannot be pickled.
    """
    if not callable(objective):
        raise InvalidSetting(
            f"the objective is {with_article(type(objective).__name__)}, not a function of a running trial"
        )
    import cloudpickle

    try:
        return cast(bytes, cloudpickle.dumps(objective))
    except Exception as error:
        name = getattr(objective, "__qualname__", type(objective).__name__)
        raise InvalidSetting(
            f"the objective {name} cannot be sent to another process: {type(error).__name__}: {error}. It, or "
            "something it uses, holds an open file, lock, connection or the like: create that inside the objective, "
            "or run it with Threads or Inline"
        ) from error


def pickle_task(task: Task) -> bytes:
    """Pickle a task.

    Raises:
        InvalidSetting: its parameters hold something that cannot be pickled.
    """
    import cloudpickle

    try:
        return cast(bytes, cloudpickle.dumps(replace(task, params=dict(task.params), context=dict(task.context))))
    except Exception as error:
        raise InvalidSetting(
            f"the parameters of trial {task.number} cannot be sent to another process: {type(error).__name__}: {error}"
        ) from error
