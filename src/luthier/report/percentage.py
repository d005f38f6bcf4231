"""Percentages, short enough to be read."""

from __future__ import annotations


def percent(share: float) -> str:
    """Write a share: ``43 %``, ``2.1 %``, ``0.02 %``, ``0 %``."""
    if abs(share) < 5e-5:
        return "0 %"
    return f"{100 * share:.0f} %" if abs(share) >= 0.0995 else f"{100 * share:.2g} %"
