"""Results of other studies: as trials of this one, or as a source of knowledge."""

from __future__ import annotations

from luthier.study.transfer.other_study import HasReader, lessons, names_by_name, other_study
from luthier.study.transfer.source_results import transferred

__all__ = ["HasReader", "lessons", "names_by_name", "other_study", "transferred"]


def __dir__() -> list[str]:
    return sorted(__all__)
