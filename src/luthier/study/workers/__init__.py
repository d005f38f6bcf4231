"""Those who run a study: what they are told, and what they do."""

from __future__ import annotations

from luthier.study.workers.direction import Direction, Order, direct
from luthier.study.workers.roster import Roster, Worker, read_roster

__all__ = ["Direction", "Order", "Roster", "Worker", "direct", "read_roster"]
