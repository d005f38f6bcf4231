"""The rules of the house, read from the tree (DESIGN section 4; docs/architecture.md).

Import layers and circles between siblings are import-linter's (`make check`). Here is what it can't see: names,
docstrings, inheritance, private attributes, sizes, and circles between any two modules.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from syntax_trees import ROOT, nodes, trees

UNNAMED = {"__init__", "__main__", "protocol"}
NAMED_FOR_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base_classes", "tools"}
CLAUSE = re.compile(r"(What|Whether|Who|How|Where|Why|When|Which|From|So that)\b")
GATES = {
    "luthier.sklearn.private_api",
    "luthier.method.evolution._cmaes",
    "luthier.surrogate.sklearn.parameter_validation",
}
"""The files that may use private names of other libraries, whose versions are pinned in pyproject.toml."""


@cache
def modules() -> dict[str, tuple[Path, ast.Module]]:
    """Give every module of the tree by its dotted name."""
    found = {}
    for place, tree in trees().items():
        name = ".".join(("luthier", *Path(place).with_suffix("").parts)).removesuffix(".__init__")
        found[name] = ROOT / place, tree
    return found


@cache
def imports(name: str) -> list[tuple[str, str]]:
    """Give the modules of ours that a module imports, TYPE_CHECKING included: as (package written, module meant)."""
    return list(_imports(name))


def _imports(name: str) -> Iterator[tuple[str, str]]:
    for node in nodes(modules()[name][1]):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "luthier":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.module, full if full in modules() else node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "luthier":
                    yield alias.name, alias.name


def classes(name: str) -> list[ast.ClassDef]:
    return [node for node in modules()[name][1].body if isinstance(node, ast.ClassDef)]


def test_no_two_public_classes_have_one_name() -> None:
    places = defaultdict(list)
    for name in modules():
        for one in classes(name):
            if not one.name.startswith("_"):
                places[one.name].append(name)
    assert {kind: where for kind, where in places.items() if len(where) > 1} == {}


def test_no_two_modules_have_one_name_and_none_is_named_for_nothing() -> None:
    stems = Counter(path.stem for path, _ in modules().values() if path.stem not in UNNAMED)
    assert [stem for stem, count in stems.items() if count > 1] == []
    assert NAMED_FOR_NOTHING.isdisjoint(stems)


def test_the_docstring_of_a_module_is_a_short_noun_phrase() -> None:
    wrong = []
    for name, (_, tree) in modules().items():
        first = (ast.get_docstring(tree) or "").split("\n")[0]
        if not first or len(first) > 100 or CLAUSE.match(first):
            wrong.append(f"{name}: {first}")
    assert wrong == []


def test_inheritance_is_one_level_deep() -> None:
    """A class that can be made derives from protocols and abstract classes only (scikit-learn's faces excepted)."""
    abstract: set[str] = set()
    concrete: dict[str, str] = {}
    bases: dict[str, list[str]] = {}
    for name in modules():
        for one in classes(name):
            written = [ast.unparse(base).split("[")[0] for base in one.bases]
            keywords = [ast.unparse(keyword.value) for keyword in one.keywords]
            methods = [node for node in one.body if isinstance(node, ast.FunctionDef)]
            marked = any(ast.unparse(d).endswith("abstractmethod") for method in methods for d in method.decorator_list)
            if {"Protocol", "ABC"} & set(written) or "ABCMeta" in keywords or marked:
                abstract.add(one.name)
            else:
                concrete[one.name] = name
            bases[one.name] = written
    wrong = {
        f"{where}.{kind}({base})"
        for kind, where in concrete.items()
        for base in bases[kind]
        if base in concrete and not where.startswith(("luthier.sklearn", "luthier.errors"))
    }
    assert wrong == set()


def test_packages_import_each_other_by_their_face() -> None:
    """`from luthier.surrogate import …`, not a file inside; `testing` alone may look inside."""
    wrong = []
    for name, (path, _) in modules().items():
        own = name.split(".")[1] if "." in name else ""
        if own == "testing":
            continue
        for written, _meant in imports(name):
            parts = written.split(".")
            package = parts[1] if len(parts) > 1 else ""
            is_package = (ROOT / package / "__init__.py").exists()
            if (
                len(parts) > 2
                and package not in (own, "_runtime")
                and is_package
                and written != "luthier.space.expression"
            ):
                wrong.append(f"{path.relative_to(ROOT)}: {written}")
    assert wrong == []


def test_nothing_reaches_for_the_private_attributes_of_another() -> None:
    """An attribute that begins with an underscore is used in the file that defines it only, but for the gates."""
    wrong = []
    for name, (path, tree) in modules().items():
        if name in GATES:
            continue
        own = set(re.findall(r"(?:self|cls|twin|other|made|new|copy)\.(_[a-z]\w*)", path.read_text(encoding="utf-8")))
        own |= {node.name for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        own |= {node.id for node in nodes(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
            for node in nodes(tree)
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.endswith("__")
            and node.attr not in ("_asdict", "_replace", "_fields", "_make")
            and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
            and node.attr not in own
            and ast.unparse(node) not in ("os._exit", "sys._getframe")
        ]
        wrong += [
            f"{path.relative_to(ROOT)}: {written}"
            for written, _meant in imports(name)
            if any(part.startswith("_") for part in written.split(".")[2:])
            and not name.startswith(written.rpartition(".")[0])
        ]
    assert wrong == []


def test_files_and_folders_are_small() -> None:
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, (path, _) in modules().items()}
    assert {name: count for name, count in lines.items() if count > 450} == {}
    assert statistics.median(lines.values()) < 130
    folders = Counter(path.parent for path, _ in modules().values())
    assert {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > 18} == {}


def test_no_two_modules_import_each_other_in_a_circle() -> None:
    """Imports within TYPE_CHECKING and within functions count, too."""
    graph = {name: {meant for _, meant in imports(name) if meant in modules() and meant != name} for name in modules()}
    assert circles(graph) == []


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Give the strongly connected parts of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in graph:
        if node not in index:
            visit(node)
    return found
