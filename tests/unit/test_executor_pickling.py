"""Objectives and tasks that cannot be sent to another process."""

from __future__ import annotations

import threading

import pytest

from luthier.errors import InvalidSetting
from luthier.executor import Task
from luthier.executor.pickling import pickle_objective, pickle_task


def test_what_cannot_be_pickled_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="not a function of a running trial"):
        pickle_objective(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match=r"the parameters of trial 4 cannot be sent"):
        pickle_task(Task(4, 1, {"x": threading.Lock()}))
