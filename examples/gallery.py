"""Every picture of twelve studies, by plotly and by matplotlib, in a folder: ``python examples/gallery.py OUT``."""

from __future__ import annotations

import html
import sys
import time
import warnings
from pathlib import Path

from gallery_studies import STUDIES  # pyright: ignore[reportMissingImports]

import luthier as lt
from luthier.plot import KINDS, StudyPlots, draw


def main(arguments: list[str]) -> int:
    """Draw what is asked for: all studies and kinds, or those named after the folder."""
    if not arguments or arguments[0].startswith("-"):
        print("python examples/gallery.py OUT [STUDY or KIND] ...", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = arguments[1:]
    unknown = [name for name in wanted if name not in STUDIES and name not in KINDS]
    if unknown:
        print(f"{', '.join(unknown)}: there are {', '.join([*STUDIES, *KINDS])}", file=sys.stderr)
        return 2
    studies = [name for name in STUDIES if name in wanted] or list(STUDIES)
    kinds = [name for name in KINDS if name in wanted] or list(KINDS)
    warnings.filterwarnings("ignore", message="Glyph .* missing")
    lines = []
    for name in studies:
        begun = time.perf_counter()
        study = STUDIES[name](folder)
        print(f"{name}: made in {time.perf_counter() - begun:.1f} s", flush=True)
        lines.append(f"<h2>{html.escape(name)}</h2>")
        lines += [line for kind in kinds if (line := drawn(study.plot, folder, name, kind))]
        study.close()
    (folder / "index.html").write_text(_PAGE + "\n".join(lines), encoding="utf-8")
    print(f"the gallery is {folder / 'index.html'}")
    return 0


def drawn(plots: StudyPlots, folder: Path, name: str, kind: str) -> str:
    """Draw one picture in both libraries and themes; give its line of the index, or what was said instead."""
    begun = time.perf_counter()
    try:
        picture = plots.draw(kind, backend="picture")
    except (lt.errors.NoResult, lt.errors.InvalidSetting) as error:
        print(f"  {kind}: {error}", flush=True)
        return f"<p>{kind}: {html.escape(str(error))}</p>"
    stem = f"{name}-{kind}"
    draw(picture, "plotly").write_html(folder / f"{stem}.html", include_plotlyjs="directory")
    draw(picture, "matplotlib").savefig(folder / f"{stem}.png")
    draw(picture, "matplotlib", "dark").savefig(folder / f"{stem}-dark.png")
    print(f"  {kind}: {time.perf_counter() - begun:.1f} s", flush=True)
    return f'<p><a href="{stem}.html">{kind}</a><br><img src="{stem}.png"> <img src="{stem}-dark.png"></p>'


_PAGE = "<!doctype html><meta charset=utf-8><title>Luthier: pictures of twelve studies</title>\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
