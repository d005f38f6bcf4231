"""The events of which a study's log is made, and their one text form.

A study is nothing but the list of these. Positions in the list are the study's clock: the *fencing token* of a lease is
the position of the event that granted it, and `Asked.seen` is the length of the log that a proposal was made from.

Of these events a method sees `Created`, `Changed`, `Asked`, `Reported` and `Told`; the others say who runs what, and
never reach a method (law 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from luthier import codec
from luthier.errors import StoreCorrupt

FORMAT = 1
"""The version of this vocabulary, stored in `Created`."""


class Created(msgspec.Struct, frozen=True, tag="created", omit_defaults=True, gc=False):
    """A study begins: what is optimized, and the seed of all its randomness. Always the first event."""

    name: str
    space: Any
    objectives: tuple[tuple[str, bool], ...]
    seed: int
    noisy: bool = False
    horizon: int | None = None
    format: int = FORMAT
    version: str = ""


class Configured(msgspec.Struct, frozen=True, tag="configured", omit_defaults=True, gc=False):
    """From here on proposals are made by this method, in the text form of `luthier.method`."""

    method: Any
    horizon: int | None = None
    fingerprint: Any = None


class Changed(msgspec.Struct, frozen=True, tag="changed", omit_defaults=True, gc=False):
    """From here on the study searches another space."""

    space: Any


class Asked(msgspec.Struct, frozen=True, tag="asked", omit_defaults=True, gc=False):
    """A trial begins. `batch` is (first number, size) of the proposals that were made in one call."""

    number: int
    config: dict[str, Any]
    seen: int
    origin: str = "method"
    batch: tuple[int, int] | None = None
    owner: str = ""
    ttl_s: float | None = None
    note: dict[str, Any] = {}
    ticket: str = ""


class Retried(msgspec.Struct, frozen=True, tag="retried", omit_defaults=True, gc=False):
    """A waiting trial is run again, with its own configuration, under a new lease."""

    number: int
    owner: str = ""
    ttl_s: float | None = None


class Renewed(msgspec.Struct, frozen=True, tag="renewed", omit_defaults=True, gc=False):
    """The holder of a lease is alive."""

    number: int
    token: int


class Freed(msgspec.Struct, frozen=True, tag="freed", omit_defaults=True, gc=False):
    """A lease ended without an outcome (``lost`` or ``interrupted``): the trial waits to be run again."""

    number: int
    token: int
    reason: str
    error: str = ""


class Reported(msgspec.Struct, frozen=True, tag="reported", omit_defaults=True, gc=False):
    """A running trial has an intermediate value."""

    number: int
    token: int
    step: int
    value: float


class Told(msgspec.Struct, frozen=True, tag="told", omit_defaults=True, gc=False):
    """A trial ended. It has at most one of these."""

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


Event: TypeAlias = Created | Configured | Changed | Asked | Retried | Renewed | Freed | Reported | Told | Enqueued

VISIBLE = (Created, Changed, Asked, Reported, Told)
"""The kinds of events that reach a method."""


class Record(NamedTuple):
    """An event as a store gives it back: `at` is when it was appended, seconds since 1970 UTC on the store's clock."""

    at: float
    event: Event


_decoder = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """Write an event as one line of canonical JSON.

    Raises:
        InvalidResult: the event holds a value that cannot be stored.
    """
    return codec.dumps({"type": event.__struct_config__.tag, **{name: getattr(event, name) for name in _given(event)}})


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


def _given(event: Event) -> list[str]:
    """Name the fields that differ from their defaults, which are left out of the text."""
    return [field.name for field in _fields(type(event)) if not _is_default(getattr(event, field.name), field)]


_FIELDS: dict[type, Sequence[msgspec.structs.FieldInfo]] = {}


def _fields(kind: type) -> Sequence[msgspec.structs.FieldInfo]:
    if kind not in _FIELDS:
        _FIELDS[kind] = msgspec.structs.fields(kind)
    return _FIELDS[kind]


def _is_default(value: object, field: msgspec.structs.FieldInfo) -> bool:
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return field.default is not msgspec.NODEFAULT and type(value) is type(field.default) and value == field.default
