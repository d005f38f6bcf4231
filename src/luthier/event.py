"""The events of a study's log, and their text form.

A study is the list of its events and nothing else. Positions in the list are the study's clock: the *fencing token* of
a lease is the position of the event that granted it, and `Asked.seen` is the length of the log that a proposal was made
from.

A method sees `Created`, `Changed`, `Asked`, `Reported` and `Told`. The other events say who runs what, and never reach
a method (law 1).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeAlias

import msgspec

from luthier import codec
from luthier.errors import InvalidResult, StoreCorrupt
from luthier.key import Key

FORMAT = 1
"""The version of this vocabulary, stored in `Created`."""


class Created(msgspec.Struct, frozen=True, tag="created", omit_defaults=True, gc=False):
    """The study begins: what is optimized, and the seed of all its randomness. Always the first event."""

    name: str
    space: Any
    objectives: tuple[tuple[str, bool], ...]
    seed: int
    noisy: bool = False
    horizon: int | None = None
    format: int = FORMAT
    version: str = ""


class Configured(msgspec.Struct, frozen=True, tag="configured", omit_defaults=True, gc=False):
    """From here on this method makes the proposals; it is in the text form of `luthier.method`."""

    method: Any
    horizon: int | None = None
    fingerprint: Any = None


class Changed(msgspec.Struct, frozen=True, tag="changed", omit_defaults=True, gc=False):
    """From here on the study searches another space."""

    space: Any


class Claimed(msgspec.Struct, frozen=True, tag="claimed", omit_defaults=True, gc=False):
    """A lease on the randomness of `count` numbers from `number` on, taken before a method begins to think.

    The method thinks from the first `seen` events. What is appended meanwhile does not spoil its proposals. They become
    trials, which are numbered in the order of their `Asked` events, as ever; these name the number that was claimed
    where it is not that of the trial.
    """

    number: int
    seen: int
    count: int = 1
    owner: str = ""
    ttl_s: float | None = None


class Asked(msgspec.Struct, frozen=True, tag="asked", omit_defaults=True, gc=False):
    """A trial begins.

    Args:
        number: of the trial.
        config: its configuration, in plain form.
        seen: the length of the log that the proposal was made from.
        origin: see `Trial.origin`.
        batch: (number of the first trial, size) of the proposals that were made in one call; None for a single one.
        owner: holds the lease.
        ttl_s: how long the lease lasts without renewal.
        note: what the method wrote down about its choice.
        ticket: the request that the trial fulfils.
        claim: the number that was claimed for the batch, where the batch has no trial of that number as its first.
        again: how many times the batch was drawn before, in vain: a configuration was asked for meanwhile.
    """

    number: int
    config: dict[str, Any]
    seen: int
    origin: str = "method"
    batch: tuple[int, int] | None = None
    owner: str = ""
    ttl_s: float | None = None
    note: dict[str, Any] = {}
    ticket: str = ""
    claim: int | None = None
    again: int = 0

    @property
    def first(self) -> int:
        """The number of the first trial of the batch."""
        return self.batch[0] if self.batch else self.number

    @property
    def place(self) -> int:
        """The place of the trial in its batch, from 0."""
        return self.number - self.first

    def stream(self, root: Key) -> Key:
        """Give the randomness that the method had for this batch; `root` is the key of the study."""
        return proposal_key(root, self.first if self.claim is None else self.claim, self.again)


class Retried(msgspec.Struct, frozen=True, tag="retried", omit_defaults=True, gc=False):
    """A waiting trial is run again, with its own configuration, under a new lease."""

    number: int
    owner: str = ""
    ttl_s: float | None = None


class Renewed(msgspec.Struct, frozen=True, tag="renewed", omit_defaults=True, gc=False):
    """The holder of a lease is alive. Read in logs of earlier versions; now renewals stand beside the log."""

    number: int
    token: int


class Freed(msgspec.Struct, frozen=True, tag="freed", omit_defaults=True, gc=False):
    """A lease ended without an outcome (``lost`` or ``interrupted``).

    A trial then waits to be run again, and claimed numbers to be claimed again. `ran_s` is how many seconds the holder
    was known to be alive, where it was renewed.
    """

    number: int
    token: int
    reason: str
    error: str = ""
    ran_s: float | None = None


class Reported(msgspec.Struct, frozen=True, tag="reported", omit_defaults=True, gc=False):
    """A running trial has an intermediate value."""

    number: int
    token: int
    step: int
    value: float


class Told(msgspec.Struct, frozen=True, tag="told", omit_defaults=True, gc=False):
    """A trial ended. Every trial has at most one of these."""

    number: int
    token: int
    reason: str
    values: dict[str, Any] = {}
    violations: dict[str, Any] = {}
    duration_s: float | None = None
    error: str = ""
    extra: dict[str, Any] = {}


class Enqueued(msgspec.Struct, frozen=True, tag="enqueued", omit_defaults=True, gc=False):
    """A person wants this configuration tried next. `ticket` makes the request idempotent."""

    config: dict[str, Any]
    ticket: str


Event: TypeAlias = (
    Created | Configured | Changed | Claimed | Asked | Retried | Renewed | Freed | Reported | Told | Enqueued
)

VISIBLE = (Created, Changed, Asked, Reported, Told)
"""The kinds of events that reach a method."""


class Record(NamedTuple):
    """An event in a store: `at` is when it was appended, in seconds since 1970 UTC on the store's clock."""

    at: float
    event: Event


def proposal_key(root: Key, number: int, again: int = 0) -> Key:
    """Give the randomness of the proposals for a number (and those after it), `again` where they are drawn anew."""
    key = root.fold("trial", number)
    return key.fold("again", again) if again else key


_decoder = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Write an event as one line of canonical JSON, without the fields that have their defaults.

    Raises:
        InvalidResult: the event holds a value that cannot be stored.
    """
    plain: dict[str, Any] = {"type": event.__struct_config__.tag}
    for name, default in _fields(type(event)):
        value = getattr(event, name)
        if value != default or (type(value) is not type(default) and not isinstance(default, dict)):
            plain[name] = value
    return codec.dumps(plain)


def checked(event: Event) -> bytes:
    """Write an event that can be read again; raises InvalidResult where a field has another type than it says."""
    text = encode(event)
    try:
        decode(text)
    except StoreCorrupt as error:
        raise InvalidResult(f"this cannot be stored: {error}") from None
    return text


def decode(text: bytes | str) -> Event:
    """Read an event.

    Raises:
        StoreCorrupt: `text` is not an event of this version.
    """
    marked = '"$' in text if isinstance(text, str) else b'"$' in text
    try:
        if marked:
            return msgspec.convert(codec.loads(text), Event)  # type: ignore[no-any-return]
        return _decoder.decode(text)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:  # marks that mark nothing
        raise StoreCorrupt(f"not an event of a study's log: {error}") from None


@cache
def _fields(kind: type) -> tuple[tuple[str, object], ...]:
    """Name the fields of a kind of event, each with its default; `msgspec.NODEFAULT` where there is no default."""
    return tuple(
        (field.name, field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory())
        for field in msgspec.structs.fields(kind)
    )
