"""Sequences that a whole study shares: their randomness, tags, and the place of each.

A sequence (a grid, a quasi-random sequence) is the same for all trials of a study, so neither its order nor its
scrambling can come from the key of a trial: both come from the seed in the event that created the study. Each proposal
notes its place in the sequence, so the next place is a function of the history, whatever was enqueued or imported
meanwhile.
"""

from __future__ import annotations

import hashlib

from luthier import codec
from luthier.history import History
from luthier.key import Key
from luthier.method.notes import N, read
from luthier.method.spec import to_plain
from luthier.space import Space


def study_key(history: History) -> Key:
    """Give the root of the randomness that all trials of a study share; of seed 0 for a history without a study."""
    created = history.created
    return Key.of(created.seed if created is not None else 0)


def tag(settings: bytes, space: Space) -> str:
    """Give the tag of a sequence: a digest of the text of the method's settings, and of the space."""
    return hashlib.blake2b(settings + b"\n" + space.digest.encode(), digest_size=6).hexdigest()


def changed_outcomes(history: History) -> bytes:
    """Name the outcomes that were taken back, forgotten or run again; nothing where there are none.

    A state that such an outcome was folded into is of no use any more: with another name, states begin anew.
    """
    if not history.forgotten and not history.reopened:
        return b""
    return codec.dumps([sorted(history.forgotten), sorted(history.reopened.items())])


def settings_text(method: object) -> bytes:
    """Write a method's settings as canonical JSON."""
    return codec.dumps(to_plain(method))


def last_place(history: History, kind: type[N], name: str) -> N | None:
    """Read the newest note of a kind whose first field, a tag, is `name`; None if there is no such note.

    Cost O(trials since), which is O(1) for a study that goes on with one method.
    """
    field = kind.__struct_fields__[0]
    for number in range(len(history) - 1, -1, -1):
        note = history.trial(number).note
        if note.get(field) == name:
            place = read(kind, note)
            if place is not None:
                return place
    return None
