"""The marks of a log: origins of trials, the end of a pausing lease, a claim of nobody's."""

from __future__ import annotations

METHOD, IMPORTED = "method", "imported"
"""The origins of a trial that a method proposed, and of one that was not run for this study."""

PAUSED = "paused"
"""The reason for which the lease of a trial ends that has spent what a scheduler gave it."""

FREE = -1
"""What stands for the token of a claim where the number is not claimed any more, or not yet."""
