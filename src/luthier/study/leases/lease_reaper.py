"""Taking back the trials of workers that are gone, in the log of a study."""

from __future__ import annotations

from functools import cache

from luthier.event import Event
from luthier.history import History
from luthier.study.leases.lease_expiry import LeaseReader, reap
from luthier.study.log import StudyLog
from luthier.study.workers import is_dead


def reap_leases(log: StudyLog, history: History) -> History:
    """Take back the trials and claimed numbers whose holders are gone, as far as `history` has any that are held."""

    def decide(now: History) -> list[Event]:
        return reap(now, LeaseReader(log.stamps, log.store.now(), cache(is_dead), log.renewed))

    return log.commit(decide) if history.leased else history
