"""The state of a study: an immutable view of the first events of its log."""

from __future__ import annotations

from luthier.history.history import History
from luthier.history.incumbent import is_feasible
from luthier.history.logged_problem import logged_fidelity
from luthier.history.logged_source import read_partial
from luthier.history.snapshot import LogSnapshot
from luthier.history.spending import outcome_cost
from luthier.history.tables.trial_fields import TrialFields
from luthier.history.trial_order import SerialOrder, TrialOrder, proposed_from

__all__ = [
    "History",
    "LogSnapshot",
    "SerialOrder",
    "TrialFields",
    "TrialOrder",
    "is_feasible",
    "logged_fidelity",
    "outcome_cost",
    "proposed_from",
    "read_partial",
]


def __dir__() -> list[str]:
    return sorted(__all__)
