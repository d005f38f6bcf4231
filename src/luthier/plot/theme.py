"""Themes: the colours of roles on a light and on a dark ground, which the colour-blind can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from luthier._hints import did_you_mean
from luthier.errors import InvalidSetting

# Okabe and Ito (2008), Color universal design: black, orange, sky blue, bluish green, yellow, blue, vermilion, purple.
_ORANGE, _SKY, _GREEN, _YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
_BLUE, _VERMILION, _PURPLE = "#0072B2", "#D55E00", "#CC79A7"


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture.

    Args:
        name: ``light`` or ``dark``.
        ground: behind everything.
        ink: text and axes.
        grid: grid lines.
        roles: colours by role.
        series: colours of series 0, 1, 2, …
        ramp: colours of a colour scale, from little contrast with the ground to much.
    """

    name: str
    ground: str
    ink: str
    grid: str
    roles: Mapping[str, str]
    series: tuple[str, ...]
    ramp: tuple[str, ...]

    def color(self, role: str) -> str:
        """Give the colour of a role."""
        if role.startswith("series "):
            return self.series[int(role.removeprefix("series ")) % len(self.series)]
        return self.roles[role]

    def shade(self, share: float) -> str:
        """Give the colour at a share of the ramp, 0 for little contrast and 1 for much."""
        place = min(1.0, max(0.0, share)) * (len(self.ramp) - 1)
        left = min(int(place), len(self.ramp) - 2)
        pair = [_channels(self.ramp[left]), _channels(self.ramp[left + 1])]
        mixed = [round(a + (b - a) * (place - left)) for a, b in zip(*pair, strict=True)]
        return "#" + "".join(f"{channel:02X}" for channel in mixed)


def _channels(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


# Cividis (Nuñez, Anderton and Renslow 2018), at ten even places: it looks alike to people with and without a colour
# vision deficiency, and its lightness rises evenly.
_CIVIDIS = (
    "#00224E",
    "#123570",
    "#3B496C",
    "#575D6D",
    "#707173",
    "#8A8678",
    "#A59C74",
    "#C3B369",
    "#E1CC55",
    "#FEE838",
)

LIGHT: Final = Theme(
    "light",
    "#FFFFFF",
    "#24292F",
    "#E4E7EB",
    {
        "trial": "#7D93AB",
        "best": _VERMILION,
        "failed": "#24292F",
        "infeasible": "#B8A04C",
        "running": _SKY,
        "muted": "#76808A",
        "ink": "#24292F",
        "front": _VERMILION,
        "pale": "#9CCDEA",
    },
    (_BLUE, _VERMILION, _GREEN, _PURPLE, _ORANGE, _SKY, "#5B5B5B", "#A8A000"),
    _CIVIDIS[-2::-1],  # without what can hardly be seen on the ground
)
DARK: Final = Theme(
    "dark",
    "#15181D",
    "#E6E8EB",
    "#2E343C",
    {
        "trial": "#7F93AA",
        "best": _ORANGE,
        "failed": "#E6E8EB",
        "infeasible": "#B8A04C",
        "running": _SKY,
        "muted": "#98A1AB",
        "ink": "#E6E8EB",
        "front": _ORANGE,
        "pale": "#2C5F82",
    },
    (_SKY, _ORANGE, "#2BC49A", _PURPLE, _YELLOW, _VERMILION, "#B0B0B0", "#4E9BD1"),
    _CIVIDIS[2:],
)

THEMES: Final = {"light": LIGHT, "dark": DARK}


def find_theme(name: str | Theme) -> Theme:
    """Give a theme by its name.

    Raises:
        InvalidSetting: there is no such theme.
    """
    if isinstance(name, Theme):
        return name
    if not isinstance(name, str) or name not in THEMES:
        raise InvalidSetting(
            f"theme={name!r}: there are {' and '.join(map(repr, THEMES))}{did_you_mean(str(name), THEMES)}"
        )
    return THEMES[name]
