"""The pages of the public names: one for each, with an example and what its docstring says."""

from __future__ import annotations

import inspect
import pkgutil
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

_SETTINGS = ("Spaces and variables", "Methods", "Surrogates", "Acquisition functions")
"""Kinds of names that are settings: people make them, and only Luthier calls their methods."""

EXAMPLES = Path(__file__).parents[1] / "reference" / "examples"


@dataclass(frozen=True)
class Entry:
    """A public name: its dotted name, the kind it is listed under, and its example in Markdown."""

    dotted: str
    kind: str
    example: str

    @property
    def page(self) -> str:
        """The name of its page."""
        return self.dotted.removeprefix("luthier.")

    @property
    def thing(self) -> object:
        """What the name stands for."""
        module, _, name = self.dotted.rpartition(".")
        return getattr(import_module(module), name)


def entries() -> list[Entry]:
    """Read the examples: a file for each kind, in it a heading for each name."""
    found = []
    for file in sorted(EXAMPLES.glob("*.md")):
        head, *sections = re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        kind = head.splitlines()[0].removeprefix("# ")
        for section in sections:
            name, _, example = section.partition("\n")
            found.append(Entry(name.strip().strip("`"), kind, example.strip()))
    return found


def public_names() -> set[str]:
    """Give all names that need a page: of `luthier`, its search classes, its contracts, and what a study gives back."""
    import luthier.sklearn
    import luthier.testing

    names = {f"luthier.{name}" for name in luthier.__all__ if name != "__version__"}
    names |= {f"luthier.sklearn.{name}" for name in luthier.sklearn.__all__}
    for suite in pkgutil.iter_modules(luthier.testing.__path__, "luthier.testing."):
        module = import_module(suite.name)
        names |= {f"{suite.name}.{name}" for name in vars(module) if re.fullmatch(r"[A-Z]\w*Contract", name)}
    return names | _given_by_studies()


def _given_by_studies() -> set[str]:
    """Give the results of analyses, which people get from a study: the classes that its methods say they return."""
    import luthier

    returned = {
        str(inspect.signature(method).return_annotation)
        for name, method in inspect.getmembers(luthier.Study, callable)
        if not name.startswith("_")
    }
    said = set(re.findall(r"[A-Z]\w+", " ".join(returned)))
    return {f"luthier.{package}.{name}" for package in _RESULTS for name in said if _is_of(package, name)}


_RESULTS = ("analysis", "study", "run")
"""Packages whose classes a study gives back."""


def _is_of(package: str, name: str) -> bool:
    module = import_module(f"luthier.{package}")
    return name in module.__all__ and name not in import_module("luthier").__all__


def pages() -> dict[str, str]:
    """Give the text of each page by its file name, the index among them."""
    listed = entries()
    found = {f"{entry.page}.md": _page(entry) for entry in listed}
    lines = ["# Python API", "", "Every public name, with an example. `lt` is `luthier`.", ""]
    for kind in dict.fromkeys(entry.kind for entry in listed):
        these = [entry for entry in listed if entry.kind == kind]
        lines += [f"## {kind}", "", "| name | |", "| --- | --- |"]
        lines += [f"| [{_shown(entry)}]({entry.page}.md) | {_first_line(entry.thing)} |" for entry in these]
        lines += ["", "```{toctree}", ":hidden:", "", *[entry.page for entry in these], "```", ""]
    return {**found, "index.md": "\n".join(lines)}


def _page(entry: Entry) -> str:
    thing = entry.thing
    if inspect.ismodule(thing):
        directive = "automodule"
    elif inspect.isclass(thing):
        directive = "autoclass"
    else:
        directive = "autofunction"
    parts = [f"# {_shown(entry)}", "", entry.example, "", "```{eval-rst}", f".. {directive}:: {entry.dotted}"]
    if entry.kind in _SETTINGS and entry.dotted != "luthier.Space":
        parts.append("   :no-members:")
    return "\n".join([*parts, "```", ""])


def _shown(entry: Entry) -> str:
    return f"lt.{entry.page}" if "." not in entry.page else entry.dotted


def _first_line(thing: object) -> str:
    line = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return re.sub(r"`{1,2}([^`]+)`{1,2}", r"`\1`", " ".join(line.split())).replace("|", "\\|")
