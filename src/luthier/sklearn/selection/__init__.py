"""Choice of the winner, and an unbiased estimate of its score."""

from __future__ import annotations

from luthier.sklearn.selection.bias_correction import Estimate, OneStandardErrorRule, estimate
from luthier.sklearn.selection.one_standard_error import complexities, simplest

__all__ = ["Estimate", "OneStandardErrorRule", "complexities", "estimate", "simplest"]
