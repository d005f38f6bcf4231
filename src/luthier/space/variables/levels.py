"""Evenly spaced levels of [0, 1]: level i of n stands at (i + 0.5) / n."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats, Integers


def level_codes(places: Floats, levels: int) -> Integers:
    """Return the level that each place of [0, 1] belongs to, -1 where NaN; any shape."""
    known = np.where(np.isnan(places), -1.0, np.minimum(np.floor(places * levels), levels - 1))
    return known.astype(np.int64)


def level_places(codes: Integers, levels: int) -> Floats:
    """Return the places of levels; any shape."""
    return (codes + 0.5) / levels


def snap_to_levels(places: Floats, levels: int) -> Floats:
    """Move places to those of their levels; NaN stays."""
    return (np.minimum(np.floor(places * levels), levels - 1) + 0.5) / levels
