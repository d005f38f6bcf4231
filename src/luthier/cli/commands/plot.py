"""The command ``plot``: a picture of a study in a file, or in the terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luthier.render import clean, json_text, replace_file

if TYPE_CHECKING:
    from luthier.plot import StudyPlots
    from luthier.study import StudyReader

_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
_FORMATS = ("html", "png", "svg", "pdf")


@click.command()
@click.argument("kind", required=False, metavar="[KIND]")
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@_STUDY
@click.option("--out", "-o", metavar="FILE", help="FILE.html, .png, .svg or .pdf; by default it is drawn here.")
@click.option("--with", "others", multiple=True, metavar="STORE[#NAME]", help="Another study to compare with; often.")
@click.option("--variables", metavar="A,B", help="Which variables, in order; by default those that matter most.")
@click.option("--objective", metavar="NAME", help="Which objective; by default the first.")
@click.option("--optimum", type=float, metavar="VALUE", help="history: the best possible value; draws the regret.")
@click.option("--log", is_flag=True, help="history, slice, reports: values on a logarithmic axis.")
@click.option("--method", metavar="NAME", help="importance: fanova, ped-anova, permutation, shapley or local.")
@click.option("--trial", type=int, metavar="N", help="acquisition: the moment when this trial was proposed.")
@click.option("--theme", type=click.Choice(("light", "dark")), default="light", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the description of the picture as JSON.")
def plot(
    kind: str | None,
    store: str | None,
    name: str | None,
    out: str | None,
    others: tuple[str, ...],
    theme: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Draw a picture of a study: KIND is history, slice, parallel, importance, front, timeline, …

    Without KIND the kinds that this study has are listed. An HTML file is interactive and needs no network; PNG, SVG
    and PDF are for print. In the terminal, points, lines and bars are drawn with characters.
    """
    from luthier.cli.resolve_study import opened_place
    from luthier.plot import KINDS, unknown_kind

    if kind is not None and kind not in KINDS and store is None and _is_place(kind):
        kind, store = None, kind
    if kind is not None and kind not in KINDS:
        raise click.BadParameter(unknown_kind(kind), param_hint="KIND")
    form = _form(out)
    settings = _settings(kind, given)
    with ExitStack() as opened:
        reader, plots = _opened(opened, store, name, kind)
        if kind is None:
            _list_kinds(reader, plots)
            return
        if others and kind not in _COMPARED:
            raise click.BadParameter(f"{kind} shows one study; {', '.join(_COMPARED)} several", param_hint="--with")
        readers = [opened.enter_context(opened_place(other)) for other in others]
        if out is not None:
            from luthier.cli.commands.export import check_target

            check_target(reader, out, store, "--out")
        _write(plots, kind, readers, settings, theme, out, form, as_json)


_COMPARED = ("history", "edf", "front", "hypervolume")
_OPTIONS = {
    "variables": ("slice", "parallel", "rank", "failures", "dependence", "contour", "acquisition"),
    "objective": (
        *("history", "slice", "parallel", "rank", "edf", "reports", "cost", "importance", "dependence", "contour"),
        *("calibration", "forecast", "ablation"),
    ),
    "optimum": ("history",),
    "log": ("history", "slice", "reports"),
    "method": ("importance",),
    "trial": ("acquisition",),
}
"""The kinds that take each option."""


def _settings(kind: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """Keep the options that were given; refuse one that this kind does not take."""
    found = {key: value for key, value in given.items() if value not in (None, False)}
    for key in found:
        if kind is not None and kind not in _OPTIONS[key]:
            raise click.BadParameter(f"{kind} does not take it; {', '.join(_OPTIONS[key])} do", param_hint=f"--{key}")
    if "variables" in found:
        names = [part.strip() for part in found.pop("variables").split(",") if part.strip()]
        if kind == "contour":
            if len(names) != 2:
                raise click.BadParameter("a contour is over two variables: --variables A,B", param_hint="--variables")
            found |= {"first": names[0], "second": names[1]}
        else:
            found["variables"] = names
    return found


def _is_place(text: str) -> bool:
    return text.endswith(".toml") or "://" in text or Path(text).exists()


def _form(out: str | None) -> str:
    if out is None:
        return ""
    form = Path(out).suffix[1:].lower()
    if form not in _FORMATS:
        raise click.BadParameter(
            f"what format is {out!r}? Give it a name that ends in .html (interactive), .png, .svg or .pdf",
            param_hint="--out",
        )
    return form


def _opened(opened: ExitStack, store: str | None, name: str | None, kind: str | None) -> tuple[StudyReader, StudyPlots]:
    """Open the study; with its method only where the picture takes a model."""
    from luthier.cli.resolve_study import opened_reader, opened_study
    from luthier.plot import KINDS, StudyPlots

    if kind is not None and KINDS[kind].modelled:
        study = opened.enter_context(opened_study(store, name))
        return study.reader, study.plot
    context: AbstractContextManager[StudyReader] = opened_reader(store, name)
    reader = opened.enter_context(context)
    return reader, StudyPlots(reader)


def _list_kinds(reader: StudyReader, plots: StudyPlots) -> None:
    from luthier.plot import KINDS

    kinds = plots.kinds()
    click.echo(clean(f"{reader.name}: {len(kinds)} of {len(KINDS)} kinds of pictures"))
    for kind in kinds:
        click.echo(f"  {kind:<12} {KINDS[kind].summary}")


def _write(
    plots: StudyPlots,
    kind: str,
    others: list[StudyReader],
    settings: dict[str, Any],
    theme: str,
    out: str | None,
    form: str,
    as_json: bool,
) -> None:
    from luthier.plot import draw

    if others:
        picture = getattr(plots, kind)(*others, backend="picture", **settings)
    else:
        picture = plots.draw(kind, backend="picture", **settings)
    if as_json:
        from luthier import codec

        click.echo(json_text(codec.to_plain(picture.to_dict())))
    if out is not None:
        replace_file(out, _content(draw(picture, "plotly" if form == "html" else "matplotlib", theme), form))
        click.echo(f"wrote {clean(out)}", err=as_json)
    elif not as_json:
        _print(picture)


def _content(figure: Any, form: str) -> bytes:
    """Give the bytes of a file: a page that needs no network, or an image."""
    if form == "html":
        page: str = figure.to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False})
        return page.encode("utf-8", "backslashreplace")
    import io
    import warnings

    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # it is drawn as a box
        figure.savefig(content, format=form, dpi=200, facecolor=figure.get_facecolor())
    return content.getvalue()


def _print(picture: Any) -> None:
    """Draw in the terminal, as wide as that is; in signs that its encoding has."""
    import shutil
    import sys

    from rich.console import Console

    from luthier.plot import to_terminal

    size = shutil.get_terminal_size((80, 24))
    plain = not (sys.stdout.encoding or "ascii").lower().startswith("utf")
    console = Console(highlight=False, soft_wrap=True)
    console.print(to_terminal(picture, min(size.columns, 160), max(16, min(size.lines - 2, 40)), plain), end="")
