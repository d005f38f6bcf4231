"""Edits of a study by a person: annotations, preferences and changes of the space, as decisions."""

from __future__ import annotations

from luthier.study.edits.annotation import annotated
from luthier.study.edits.preference import preferences, preferred
from luthier.study.edits.space_change import changed, count_held

__all__ = ["annotated", "changed", "count_held", "preferences", "preferred"]
