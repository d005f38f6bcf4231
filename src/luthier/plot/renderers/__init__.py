"""Renderers: one picture, drawn by plotly, by matplotlib, or in a terminal."""

from __future__ import annotations

from luthier.plot.renderers.matplotlib_figure import to_matplotlib
from luthier.plot.renderers.plotly_figure import plotly_json, to_plotly
from luthier.plot.renderers.terminal_chart import to_terminal

__all__ = ["plotly_json", "to_matplotlib", "to_plotly", "to_terminal"]
