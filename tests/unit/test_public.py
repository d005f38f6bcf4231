"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import luthier
from luthier._names import PUBLIC

HEAVY = ("scipy", "sklearn", "pandas", "plotly", "sqlalchemy", "torch", "matplotlib", "rich", "click")


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_all_names_are_there_once() -> None:
    assert len(set(luthier.__all__)) == len(luthier.__all__)
    for name in luthier.__all__:
        assert getattr(luthier, name) is not None
    assert set(luthier.__all__) <= set(dir(luthier))


def test_every_name_that_can_be_imported_later_is_public_and_known_to_type_checkers() -> None:
    names = {name for names in PUBLIC.values() for name in names}
    assert names == set(luthier.__all__) - {"__version__", "errors"}
    text = Path(luthier.__file__).read_text(encoding="utf-8")
    block = text.partition("if TYPE_CHECKING:")[2].partition("__all__")[0]
    for name in names:
        assert name in block


def test_an_unknown_name_says_so() -> None:
    try:
        luthier.Nonsense  # noqa: B018
    except AttributeError as error:
        assert "no attribute 'Nonsense'" in str(error)
    else:
        raise AssertionError


def test_importing_loads_nothing_heavy() -> None:
    code = f"import sys, luthier; print([m for m in {(*HEAVY, 'numpy', 'msgspec')!r} if m in sys.modules])"
    assert _python(code) == "[]"


def test_using_every_name_loads_nothing_heavy() -> None:
    code = (
        "import sys, luthier\n"
        "for name in luthier.__all__: getattr(luthier, name)\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert _python(code) == "[]"


def test_random_search_in_memory_loads_nothing_heavy() -> None:
    code = (
        "import sys, luthier as lt\n"
        "lt.minimize(lambda trial: trial['x'], {'x': lt.Float(0, 1)}, trials=3, method=lt.Random())\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert _python(code) == "[]"
