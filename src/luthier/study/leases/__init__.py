"""Leases: their holders, their renewals, and their ends."""

from __future__ import annotations

from luthier.study.leases.ask_request import AlreadyAnswered, begun_anew, checked_count, checked_request, once
from luthier.study.leases.claims import Claims, give_up_claim
from luthier.study.leases.lease_expiry import LeaseReader, check_release, free, reap, seconds_of_lease
from luthier.study.leases.lease_reaper import reap_leases

__all__ = [
    "AlreadyAnswered",
    "Claims",
    "LeaseReader",
    "begun_anew",
    "check_release",
    "checked_count",
    "checked_request",
    "free",
    "give_up_claim",
    "once",
    "reap",
    "reap_leases",
    "seconds_of_lease",
]
