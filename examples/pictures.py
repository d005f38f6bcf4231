"""The pictures of the documents: ``python examples/pictures.py`` writes docs/pictures/ from studies of the gallery."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gallery_studies import STUDIES  # pyright: ignore[reportMissingImports]

from luthier.plot import draw

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
SHOWN: dict[str, dict[str, dict[str, Any]]] = {
    "maximized": {
        "history": {},
        "slice": {},
        "parallel": {},
        "importance": {},
        "dependence": {},
        "ablation": {},
        "calibration": {},
        "cost": {},
    },
    "flat": {"reports": {}, "rank": {}, "acquisition": {}, "edf": {}},
    "conditional": {"contour": {}},
    "noisy": {"forecast": {}},
    "several_objectives": {"front": {}, "hypervolume": {}},
    "constrained": {"failures": {}},
    "killed_and_resumed": {"timeline": {}},
}
"""The kinds that are drawn of each study, with their arguments."""
README = ("history", "importance", "contour")
"""The kinds that README.md shows, on a light and on a dark ground."""


def main(arguments: list[str]) -> int:
    """Make the studies in a folder, where they are kept, and write the pictures."""
    if len(arguments) != 1:
        print("python examples/pictures.py FOLDER-FOR-THE-STUDIES", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    FOLDER.mkdir(exist_ok=True)
    for name, kinds in SHOWN.items():
        study = STUDIES[name](folder)
        for kind, settings in kinds.items():
            picture = study.plot.draw(kind, backend="picture", **settings)
            for theme in ("light", "dark") if kind in README else ("light",):
                path = FOLDER / f"{kind}{'-dark' if theme == 'dark' else ''}.png"
                draw(picture, "matplotlib", theme).savefig(path, dpi=110, metadata={"Software": None})
                print(path, flush=True)
        study.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
