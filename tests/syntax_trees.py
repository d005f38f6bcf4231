"""The syntax trees of the package, which the tests of its words and of its house read."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import luthier

ROOT = Path(luthier.__file__).parent


@cache
def trees() -> dict[str, ast.Module]:
    """Give the syntax tree of every module, by its path."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))
    }


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Give all nodes of a tree: it takes longer to walk one than to read it."""
    return tuple(ast.walk(tree))
