"""Choice of what draws a picture: plotly, matplotlib, or the terminal."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from luthier._hints import did_you_mean
from luthier.errors import InvalidSetting, MissingDependency
from luthier.plot.picture import Picture
from luthier.plot.renderers import to_matplotlib, to_plotly, to_terminal
from luthier.plot.theme import Theme, find_theme

Backend: TypeAlias = Literal["plotly", "matplotlib", "terminal", "picture"]
"""What gives the figure: plotly's ``Figure``, matplotlib's ``Figure``, rich's ``Text``, or the description itself."""

BACKENDS = ("plotly", "matplotlib", "terminal", "picture")


def check_backend(backend: str | None) -> str:
    """Give the backend that is meant: by default plotly, or matplotlib where only that is installed.

    Raises:
        InvalidSetting: there is no such backend.
        MissingDependency: neither library is installed.
    """
    if backend is not None:
        if backend not in BACKENDS:
            hint = did_you_mean(str(backend), BACKENDS)
            raise InvalidSetting(f"backend={backend!r}{hint}: there are {', '.join(map(repr, BACKENDS))}")
        return backend
    for name in ("plotly", "matplotlib"):
        if find_spec(name) is not None:
            return name
    raise MissingDependency(
        "pictures need plotly or matplotlib: pip install 'luthier[plot]'; without them there is backend='terminal'"
    )


def draw(picture: Picture, backend: str | None = None, theme: str | Theme = "light") -> Any:
    """Draw a picture.

    Args:
        picture: the description.
        backend: see `Backend`; by default plotly, or matplotlib where only that is installed.
        theme: ``light`` or ``dark``.

    Returns:
        A figure of the library.

    Raises:
        InvalidSetting: there is no such backend or theme.
        MissingDependency: the library is not installed; the message names the extra that brings it.
    """
    chosen, colors = check_backend(backend), find_theme(theme)
    if chosen == "plotly":
        return to_plotly(picture, colors)
    if chosen == "matplotlib":
        return to_matplotlib(picture, colors)
    return to_terminal(picture) if chosen == "terminal" else picture
