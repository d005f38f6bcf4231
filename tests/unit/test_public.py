"""The public names, and what importing them costs."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import luthier
from luthier._names import PUBLIC
from luthier.study import ActiveTrial, StudyReader, TrialResult

HEAVY = ("scipy", "sklearn", "pandas", "plotly", "sqlalchemy", "torch", "matplotlib", "rich", "click")


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_all_names_are_there_once() -> None:
    assert len(set(luthier.__all__)) == len(luthier.__all__)
    for name in luthier.__all__:
        assert getattr(luthier, name) is not None
    assert set(luthier.__all__) <= set(dir(luthier))


@pytest.mark.parametrize("face", [*PUBLIC, "luthier.analysis", "luthier.history", "luthier.sklearn", "luthier.store"])
def test_completion_of_a_package_shows_its_public_names(face: str) -> None:
    module = importlib.import_module(face)
    assert dir(module) == sorted(module.__all__)


def test_completion_shows_public_names_and_nothing_else() -> None:
    assert dir(luthier) == sorted(luthier.__all__)
    assert all(issubclass(getattr(luthier.errors, name), Exception | KeyboardInterrupt) for name in dir(luthier.errors))


@pytest.mark.parametrize(
    "kind", [luthier.Study, luthier.Space, luthier.RunningTrial, ActiveTrial, TrialResult, StudyReader]
)
def test_everything_that_completion_shows_of_an_object_is_explained(kind: type) -> None:
    fields = {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
    fields |= {*getattr(kind, "__struct_fields__", ())}
    names = [name for name in dir(kind) if not name.startswith("_") and name not in fields]
    assert names and [name for name in names if not inspect.getdoc(inspect.getattr_static(kind, name))] == []


def test_signatures_can_be_read() -> None:
    for name in luthier.__all__:
        one = getattr(luthier, name)
        if callable(one) and name != "RunningTrial":  # which nobody makes
            text = str(inspect.signature(one))
            assert " at 0x" not in text and "**" not in text and len(text) < 1500, text
            assert "<factory>" not in text or name == "Regressor"
    assert repr(luthier.Bayes(surrogate=luthier.Forest(trees=50))) == "Bayes(surrogate=Forest(trees=50))"
    assert str(inspect.signature(luthier.Float)).startswith("(low: 'float', high: 'float', *, default: 'float | None'")


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
