"""Instances of a problem, and the cases on which configurations are compared."""

from __future__ import annotations

from luthier.instances.case_progress import CaseProgress
from luthier.instances.instances import Case, Instances

__all__ = ["Case", "CaseProgress", "Instances"]


def __dir__() -> list[str]:
    return sorted(__all__)
