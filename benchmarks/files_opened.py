"""Files and functions of ours that run in one ``ask()``, ``tell()``, ``explain()`` and ``Space(…)``.

    PYTHONPATH=src python benchmarks/files_opened.py
    PYTHONPATH=OLD/src python benchmarks/files_opened.py    # another tree, such as a clone of the commit before

Counted is the thirteenth ask of `Auto` on the README's space: a file counts where a function of it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

import luthier as lt

ROOT = str(Path(lt.__file__).parent)


def make_space() -> lt.Space:
    """Give the README's space."""
    return lt.Space(
        {
            "kernel": lt.Choice("rbf", "poly", "linear"),
            "C": lt.Float(1e-3, 1e3, log=True),
            "gamma": lt.Float(1e-5, 1e1, log=True, when="kernel != 'linear'"),
            "degree": lt.Int(2, 5, when="kernel == 'poly'"),
        },
        require=["kernel != 'poly' or C * gamma <= 10"],
    )


def count(what: str, call: Callable[[], object], show: bool = False) -> None:
    """Run `call`, and print how many of our files and functions ran."""
    seen: set[CodeType] = set()

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ROOT):
            seen.add(frame.f_code)

    sys.setprofile(watch)
    try:
        call()
    finally:
        sys.setprofile(None)
    functions = {code for code in seen if code.co_name != "<module>"}
    files = {code.co_filename for code in functions}
    lines = sum(Path(name).read_text(encoding="utf-8").count("\n") for name in files)
    print(f"{what:28}{len(files):4} files ({lines} lines in them), {len(functions)} functions")
    if show:
        for name in sorted(files):
            print("    " + name.removeprefix(ROOT + "/"))


def main() -> None:
    """Count, with ``-v`` naming the files."""
    make_space()  # what is imported on the way counts as opened no more
    show = "-v" in sys.argv
    count(
        "Space of three variables", lambda: lt.Space({"a": lt.Float(0, 1), "b": lt.Int(1, 9), "c": lt.Choice("u", "v")})
    )
    study = lt.Study("counted", make_space(), maximize="accuracy", seed=0)
    for _ in range(12):
        trial = study.ask()
        study.tell(trial, -((len(str(trial.params)) - 50) ** 2) - trial.params["C"])
    trials = []
    count("ask (the thirteenth)", lambda: trials.append(study.ask()), show)
    count("tell", lambda: study.tell(trials[0], 0.5), show)
    count("explain", lambda: study.explain(12), show)
    study.close()


if __name__ == "__main__":
    main()
