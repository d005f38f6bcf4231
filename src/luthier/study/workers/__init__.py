"""Those who run a study: what they are told, and what they do."""

from __future__ import annotations

from luthier.study.workers.direction import Direction, Order, direct
from luthier.study.workers.lease_owner import Heartbeat, LeaseOwner, is_dead
from luthier.study.workers.roster import Roster, Worker, read_roster

__all__ = ["Direction", "Heartbeat", "LeaseOwner", "Order", "Roster", "Worker", "direct", "is_dead", "read_roster"]
