"""The events of a study's log, and their text form.

A study is the list of its events and nothing else. Positions in the list are the study's clock: the *fencing token* of
a lease is the position of the event that granted it, and `Asked.seen` is the length of the log that a proposal was made
from.

A method sees `Created`, `Changed`, `Transferred`, `Asked`, `Reported`, `Told`, `Reopened` and `Forgotten`. The other
events say who runs what, or what people and objectives note, and never reach a method (law 1).
"""

from __future__ import annotations

from luthier.event.event_kinds import (
    FORMAT,
    KINDS,
    VISIBLE,
    Annotated,
    Asked,
    Attributed,
    Changed,
    Claimed,
    Configured,
    Created,
    Directed,
    Enqueued,
    Event,
    Forgotten,
    Freed,
    Paused,
    Preferred,
    Promoted,
    Pruned,
    Record,
    Renewed,
    Reopened,
    Reported,
    Resumed,
    Retried,
    RunEnded,
    SetAside,
    Told,
    Transferred,
    proposal_key,
)
from luthier.event.text_form import check, checked, decode, encode

__all__ = [
    "FORMAT",
    "KINDS",
    "VISIBLE",
    "Annotated",
    "Asked",
    "Attributed",
    "Changed",
    "Claimed",
    "Configured",
    "Created",
    "Directed",
    "Enqueued",
    "Event",
    "Forgotten",
    "Freed",
    "Paused",
    "Preferred",
    "Promoted",
    "Pruned",
    "Record",
    "Renewed",
    "Reopened",
    "Reported",
    "Resumed",
    "Retried",
    "RunEnded",
    "SetAside",
    "Told",
    "Transferred",
    "check",
    "checked",
    "decode",
    "encode",
    "proposal_key",
]
