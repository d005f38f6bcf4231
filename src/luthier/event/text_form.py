"""The text form of events."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from luthier import codec
from luthier.errors import InvalidResult, StoreCorrupt, StoreError, StoreTooNew
from luthier.event.event_kinds import KINDS, Asked, Event, SetAside, Told

_decoder = msgspec.json.Decoder(Event)
_plain_encoder = msgspec.json.Encoder()
_SIMPLE = frozenset((float, int, bool, str, type(None)))


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
    """Write an event that can be read again; raises InvalidResult where a field has another type than it says.

    One that was set aside, as it could not be read, is written as it was.
    """
    if isinstance(event, SetAside):
        return event.text.encode()
    text = encode(event)
    try:
        decode(text)
    except StoreError as error:
        raise InvalidResult(f"this cannot be stored: {error}") from None
    return text


def check(event: Event) -> None:
    """Raise InvalidResult unless `checked` would write the event. Cost: a microsecond or two for plain values."""
    try:
        same = _is_simple(event) or _decoder.decode(_plain_encoder.encode(event)) == event
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
        same = False
    if not same:  # it holds what JSON has no form of: a tuple, an infinity, or what cannot be stored
        checked(event)


def _is_simple(event: Event) -> bool:
    """Tell whether a trial begins or ends with numbers and ASCII texts alone, which are read as they were written.

    Most do. Raises TypeError where it holds something else in place of a text.
    """
    if isinstance(event, Asked):
        whole = type(event.number) is int and type(event.seen) is int and event.batch is None and not event.note
        values, text = event.config, event.origin + event.owner + event.ticket + event.request
    elif isinstance(event, Told):
        whole = type(event.number) is int and type(event.token) is int and event.duration_s is None
        whole = whole and not event.violations and not event.extra
        values, text = event.values, event.reason + event.error
    else:
        return False
    kinds = {*map(type, values.values())}
    if str in kinds:
        text += "".join([value for value in values.values() if type(value) is str])
    return whole and kinds <= _SIMPLE and (text + "".join(values)).isascii()


def decode(text: bytes | str) -> Event:
    """Read an event.

    Raises:
        StoreCorrupt: `text` is not an event of this version.
        StoreTooNew: it is one of a kind that this version does not know.
    """
    marked = '"$' in text if isinstance(text, str) else b'"$' in text
    try:
        if marked:
            return msgspec.convert(codec.loads(text), Event)  # type: ignore[no-any-return]
        return _decoder.decode(text)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:  # marks that mark nothing
        _refuse_unknown(text)
        raise StoreCorrupt(f"not an event of a study's log: {error}") from None


def _refuse_unknown(text: bytes | str) -> None:
    """Raise StoreTooNew where a text is an event of another kind."""
    try:
        plain = codec.loads(text)
    except (StoreCorrupt, ValueError, TypeError, AttributeError):
        return
    kind = plain.get("type") if isinstance(plain, dict) else None
    if isinstance(kind, str) and kind not in KINDS:
        raise StoreTooNew(
            f"an event of the kind {kind!r}, which this Luthier does not know: a newer one wrote it. Nothing was "
            "changed. Upgrade with: pip install --upgrade luthier"
        )


@cache
def _fields(kind: type) -> tuple[tuple[str, object], ...]:
    """Name the fields of a kind of event, each with its default; `msgspec.NODEFAULT` where there is no default."""
    return tuple(
        (field.name, field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory())
        for field in msgspec.structs.fields(kind)
    )
