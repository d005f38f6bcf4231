"""Every exception that Luthier raises.

Each message says what was wrong, where, and what to do. Each class also derives from the built-in
exception that a caller would naturally catch, so that ``except ValueError`` keeps working.
"""

from __future__ import annotations

from typing import Any


class LuthierError(Exception):
    """Base of all of Luthier's exceptions."""


# --- what a person wrote -------------------------------------------------------------------------


class InvalidSpace(LuthierError, ValueError):
    """A search space cannot be built: an empty range, an unknown name, a cyclic condition, ..."""


class InvalidExpression(InvalidSpace):
    """A condition or constraint is not in the expression language."""


class InvalidConfig(LuthierError, ValueError):
    """A configuration is outside its space; the message names the rule it breaks."""


class InvalidSetting(LuthierError, ValueError):
    """A setting of a method, surrogate, acquisition, store, executor or study makes no sense."""


class InvalidResult(LuthierError, ValueError):
    """An objective returned, or ``tell`` was given, something that is not a result."""


class InvalidFile(LuthierError, ValueError):
    """A study file has a mistake; the message gives file, line and what is allowed there."""


class MissingDependency(LuthierError, ImportError):
    """An optional dependency is needed; the message gives the command that installs it."""


# --- the search ----------------------------------------------------------------------------------


class Infeasible(LuthierError):
    """No configuration that keeps the constraints could be found; the message names them."""


class SpaceExhausted(LuthierError):
    """Every configuration of a finite space has been tried or is being tried."""


class NoResult(LuthierError):
    """A best trial was asked for before any trial succeeded."""


# --- the log -------------------------------------------------------------------------------------


class StoreError(LuthierError):
    """A store could not do what was asked of it."""


class Conflict(StoreError):
    """The log grew since it was read: read on, decide again, append again."""


class StoreCorrupt(StoreError):
    """The stored bytes are not a study of Luthier's, or are damaged."""


class StoreTooNew(StoreError):
    """The store was written by a newer Luthier, whose schema this one does not know."""


class StoreTooOld(StoreError):
    """The store has an older schema, which this Luthier does not read; nothing was changed."""


class StoreReadOnly(StoreError):
    """The store, or the folder it is in, cannot be written."""


class StoreFull(StoreError):
    """The disk is full; nothing that was acknowledged is lost."""


class StoreBusy(StoreError):
    """The store stayed locked for longer than the busy timeout."""


class StudyNotFound(StoreError, KeyError):
    """The store has no study of that name."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class StudyMismatch(LuthierError, ValueError):
    """The study in the store is not the one described: other variables, objective or seed."""


class ReplayMismatch(LuthierError):
    """A stored proposal is not the one its method makes from the log (see ``luthier verify``)."""


# --- running trials ------------------------------------------------------------------------------


class LeaseLost(LuthierError):
    """The trial was taken from its worker (lease expired or retried); the late result is refused."""


class TrialFinished(LuthierError):
    """The trial already has an outcome; it keeps it."""


class TrialNotFound(LuthierError, KeyError):
    """The study has no trial of that number."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class TrialFailed(LuthierError):
    """The objective failed, and the run was not to go on after failures."""


class RemoteError(LuthierError):
    """What an objective raised in another process, as text: the cause of a `TrialFailed` there."""


class CommandFailed(LuthierError):
    """The command of an objective could not be started, or ended with an error."""


class TrialPruned(LuthierError):
    """Raised by an objective that stops itself because its trial is not worth finishing."""


class ExecutorError(LuthierError):
    """An executor could not start or reach its workers."""


class Interrupted(LuthierError, KeyboardInterrupt):
    """A run was stopped by a signal; the same call resumes it.

    Attributes:
        best: of `minimize` and `maximize`, which keep nothing: the best trial so far, if any has a value.
        trials: likewise, all trials so far.
    """

    best: Any = None
    trials: tuple[Any, ...] = ()


def __dir__() -> list[str]:
    return sorted(name for name, one in globals().items() if isinstance(one, type) and issubclass(one, BaseException))
