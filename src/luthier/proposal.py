"""Proposals of methods: a configuration and a note."""

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
        note: how it was chosen, as plain values without prose; see `luthier.method.notes`.
    """

    config: Config
    note: Mapping[str, Any] = field(default_factory=dict)
