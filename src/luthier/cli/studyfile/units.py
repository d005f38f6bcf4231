"""Durations, sizes and fidelities as people write them."""

from __future__ import annotations

import math
import re

from luthier.errors import InvalidSetting
from luthier.problem import Fidelity
from luthier.scalar import to_float

_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_MEGABYTES = {"kb": 0.001, "mb": 1.0, "gb": 1e3, "tb": 1e6, "kib": 1024e-6, "mib": 1.048576, "gib": 1073.741824}
_PART = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)")

DURATION = 'seconds, or text such as "90s", "10m", "1h30m"'
SIZE = 'megabytes, or text such as "500 MB", "2 GB"'
FIDELITY = "a table of units with their bounds, such as {epochs = [1, 81]}"


def duration_s(value: object) -> float:
    """Read a duration in seconds; raises InvalidSetting where it is not one, or not positive."""
    return _read(value, _SECONDS, "s", DURATION, many=True)


def size_mb(value: object) -> float:
    """Read a size in megabytes (10^6 bytes); raises InvalidSetting where it is not one, or not positive."""
    return _read(value, _MEGABYTES, "mb", SIZE, many=False)


def _read(value: object, units: dict[str, float], bare: str, allowed: str, *, many: bool) -> float:
    wrong = InvalidSetting(f"{value!r} is not allowed here: give {allowed}; more than 0")
    if isinstance(value, str):
        total, at, parts = 0.0, 0, 0
        while (part := _PART.match(value, at)) is not None:
            factor = units.get(part[2].lower() or bare)
            if factor is None:
                raise wrong
            total, at, parts = total + float(part[1]) * factor, part.end(), parts + 1
        if parts == 0 or value[at:].strip() or (parts > 1 and not many):
            raise wrong
        value = total
    number = to_float(value) if isinstance(value, int | float) else None
    if number is None or not 0 < number < math.inf:
        raise wrong
    return number


def fidelity(value: object) -> Fidelity:
    """Read ``{epochs = [1, 81]}``, or several of which the first one leads; raises InvalidSetting for anything else."""
    if not isinstance(value, dict) or not value:
        raise InvalidSetting(f"{value!r} is not allowed here: give {FIDELITY}")
    found: list[Fidelity] = []
    for name, bounds in value.items():
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise InvalidSetting(f"{value!r} is not allowed here: give {FIDELITY}")
        found.append(Fidelity(name, *bounds))
    return Fidelity(name=found[0].name, low=found[0].low, high=found[0].high, beside=tuple(found[1:]))
