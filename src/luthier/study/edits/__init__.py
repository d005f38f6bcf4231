"""Edits of a study by a person: annotations and preferences, as pure decisions."""

from __future__ import annotations

from luthier.study.edits.annotation import annotated
from luthier.study.edits.preference import preferences, preferred

__all__ = ["annotated", "preferences", "preferred"]
