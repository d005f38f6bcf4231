"""Pictures drawn by plotly, by matplotlib and in a terminal: texts stay texts, missing libraries are named."""

from __future__ import annotations

import builtins
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import plotted_studies
import pytest
from rich.console import Console

import luthier as lt
from luthier.cli import execute
from luthier.errors import InvalidSetting, MissingDependency
from luthier.plot import KINDS, LineLayer, Panel, PanelAxis, Picture, draw, to_terminal
from luthier.plot.renderers.matplotlib_figure import verbatim
from luthier.plot.renderers.plotly_traces import markup

LOG_ONLY = tuple(name for name, kind in KINDS.items() if not kind.modelled)


def texts(value: Any) -> list[str]:
    """Give every text of a plain value."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in texts(item)]


@pytest.mark.slow
def test_no_text_of_a_user_is_taken_for_anything_else_by_plotly() -> None:
    study = plotted_studies.hostile()
    for kind in study.plot.kinds():
        if kind in LOG_ONLY:
            figure = study.plot.draw(kind, backend="plotly")
            found = texts(json.loads(figure.to_json()))
            for text in found:
                assert not re.search(r"<(?!br>)", text), text
                assert "$" not in text, text
                assert "\x1b" not in text and "\u202e" not in text
            assert not any("%{" in template for template in re.findall(r'"\w*template": ?"[^"]*"', figure.to_json()))
    page = study.plot.history(backend="plotly").to_html(include_plotlyjs=False)
    assert "<img src=x" not in page and "<script>alert" not in page


@pytest.mark.slow
def test_no_text_of_a_user_is_taken_for_a_formula_by_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import mathtext, rcParams

    monkeypatch.setitem(rcParams, "text.usetex", True)  # a user's own setting: TeX reads files

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a text was taken for a formula")

    study = plotted_studies.hostile()
    for kind in ("history", "slice", "parallel", "failures", "front"):
        figure = study.plot.draw(kind, backend="matplotlib")
        shown = [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_usetex"))]
        assert not any(text.get_usetex() for text in figure.findobj(lambda one: hasattr(one, "get_usetex")))
        assert all(text.replace(r"\$", "").count("$") == 0 or "mathdefault" in text for text in shown)
    monkeypatch.setattr(mathtext.MathTextParser, "parse", refuse)
    study.plot.failures(["$x^2$"], backend="matplotlib").savefig(io.BytesIO(), format="svg")


def test_what_is_written_for_each_library() -> None:
    assert markup("<b>$x$ & y") == "&lt;b&gt;&#36;x&#36; &amp; y"
    assert verbatim("$x^2$ \\alpha") == r"\$x^2\$ \alpha"
    assert markup("two\nlines\x1b[31m") == "two lines[31m"


def test_a_terminal_gets_no_control_signs_and_no_markup() -> None:
    study = plotted_studies.hostile()
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False, force_terminal=False)
    for kind in ("history", "slice", "failures", "timeline"):
        console.print(to_terminal(study.plot.draw(kind, backend="picture"), 100))
    text = out.getvalue()
    assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text
    assert "[bold red]rich[/]" in text and "<b>bold</b>" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_line_in_the_terminal_goes_where_its_values_are() -> None:
    line = LineLayer((0.0, 10.0), (0.0, 1.0))
    text = str(
        to_terminal(Picture("history", "t", (Panel(PanelAxis("x"), PanelAxis("y"), (line,)),)), 60, 18, plain=True)
    )
    rows = [row for row in text.splitlines() if "|" in row]
    assert rows[0].rstrip().endswith("*") and rows[-1].split("|")[1].startswith("*")
    assert text.isascii()
    places = [row.rindex("*") for row in rows]
    assert places == sorted(places, reverse=True)


def test_a_library_that_is_missing_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    plots = plotted_studies.conditional().plot
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in ("plotly", "matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for backend in ("plotly", "matplotlib"):
        with pytest.raises(MissingDependency, match=rf"{backend}: pip install 'luthier\[plot\]'"):
            plots.history(backend=backend)
    monkeypatch.setattr("luthier.plot.backends.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"plotly or matplotlib: pip install 'luthier\[plot\]'"):
        plots.history()
    assert "conditional: optimization history" in str(plots.history(backend="terminal"))


def test_matplotlib_is_taken_where_plotly_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.plot.backends.find_spec", lambda name: object() if name == "matplotlib" else None)
    figure = plotted_studies.conditional().plot.edf()
    assert type(figure).__module__ == "matplotlib.figure"
    assert "matplotlib.pyplot" not in sys.modules


def test_themes_differ_in_colours_only() -> None:
    picture = plotted_studies.conditional().plot.slice(backend="picture")
    light, dark = (json.loads(draw(picture, "plotly", theme).to_json()) for theme in ("light", "dark"))
    assert light["layout"]["paper_bgcolor"] != dark["layout"]["paper_bgcolor"]
    assert [trace.get("x") for trace in light["data"]] == [trace.get("x") for trace in dark["data"]]


# --- luthier plot -----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    space = {"x": lt.Float(0, 1), "k": lt.Choice("a", "b")}
    with lt.Study("one", space, minimize="y", store="one.db", seed=0) as study:
        study.add_many(
            [{"x": place / 9, "k": "ab"[place % 2]} for place in range(10)], [(5 - p) ** 2 for p in range(10)]
        )
    return tmp_path / "one.db"


Say = pytest.CaptureFixture[str]


def out(capsys: Say, *arguments: str, code: int = 0) -> str:
    assert execute(arguments) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_plot_draws_in_the_terminal_and_lists_kinds(store: Path, capsys: Say) -> None:
    text = out(capsys, "plot", "history")
    assert "one: optimization history" in text and "best: trial 5, 0" in text
    assert "slice        the values over each variable by itself" in out(capsys, "plot", "one.db")
    described = json.loads(out(capsys, "plot", "slice", "one.db", "--variables", "k", "--json"))
    assert described["panels"][0]["x"]["ticks"] == [[0.0, "a"], [1.0, "b"]]
    assert "optimization history of 2 studies" in out(capsys, "plot", "history", "one.db", "--with", "one.db")


@pytest.mark.slow
def test_plot_writes_each_format(store: Path, capsys: Say) -> None:
    for form, head in (("html", b"<!doctype"), ("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert out(capsys, "plot", "slice", "one.db", "--out", f"a.{form}", "--theme", "dark") == f"wrote a.{form}\n"
        assert (store.parent / f"a.{form}").read_bytes().lower().startswith(head.lower())
    page = (store.parent / "a.html").read_text("utf-8")
    assert "cdn.plot.ly" not in re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)


def test_plot_refuses_what_makes_no_sense(store: Path, capsys: Say) -> None:
    for arguments, code, message in (
        (("plot", "histori"), 2, "no picture 'histori' (did you mean 'history'?)"),
        (
            ("plot", "front", "one.db"),
            1,
            "it needs two objectives or more; the study has one, 'y'; of this study there",
        ),
        (("plot", "history", "one.db", "--out", "a.gif"), 2, "what format is 'a.gif'?"),
        (("plot", "history", "one.db", "--out", "one.db"), 2, "what format is 'one.db'?"),
        (("plot", "slice", "one.db", "--variables", "z"), 1, "there is no variable 'z'"),
        (("plot", "history", "one.db", "--variables", "x"), 2, "history does not take it"),
        (("plot", "slice", "one.db", "--with", "one.db"), 2, "slice shows one study"),
    ):
        assert message in " ".join(out(capsys, *arguments, code=code).split())
    assert sorted(path.name for path in store.parent.iterdir()) == ["one.db"]


def test_an_objective_by_name(store: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"no objective 'nothing'; there are 'cost', 'gain'"):
        plotted_studies.two_objectives().plot.edf(objective="nothing")
