"""The words for the first failure of a run."""

from __future__ import annotations

from luthier.study import TrialResult


def first_failure(result: TrialResult) -> str:
    """Say of the first failure what it was; further ones are counted."""
    reason = result.error.partition("\n")[0]
    return (
        f"trial {result.number} ended as {result.reason}{': ' if reason else ''}{reason} "
        f"(study.trial({result.number}).error has all of it). The run goes on, and does not report further failures"
    )
