"""Pictures of studies: described once, drawn by plotly, by matplotlib, or in a terminal."""

from __future__ import annotations

from luthier.plot.backends import BACKENDS, Backend, check_backend, draw
from luthier.plot.kinds import KINDS, Kind, drawable, unknown_kind
from luthier.plot.picture import (
    BandLayer,
    BarLayer,
    ColorScale,
    HeatLayer,
    Layer,
    LineLayer,
    Panel,
    PanelAxis,
    Picture,
    PointLayer,
    TextLayer,
)
from luthier.plot.renderers import plotly_json, to_terminal
from luthier.plot.study_plots import Analyses, StudyPlots
from luthier.plot.theme import THEMES, Theme

__all__ = [
    "BACKENDS",
    "KINDS",
    "THEMES",
    "Analyses",
    "Backend",
    "BandLayer",
    "BarLayer",
    "ColorScale",
    "HeatLayer",
    "Kind",
    "Layer",
    "LineLayer",
    "Panel",
    "PanelAxis",
    "Picture",
    "PointLayer",
    "StudyPlots",
    "TextLayer",
    "Theme",
    "check_backend",
    "draw",
    "drawable",
    "plotly_json",
    "to_terminal",
    "unknown_kind",
]
