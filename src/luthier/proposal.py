"""A configuration that a method proposes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.trial import Config


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration to try next.

    Args:
        config: the configuration, in plain form.
        note: why it was chosen, as plain values: at least ``{"by": …}`` for a method that has several ways.
    """

    config: Config
    note: Mapping[str, Any] = field(default_factory=dict)
