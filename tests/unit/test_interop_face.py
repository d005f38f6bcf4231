"""The face of `luthier.interop`, without the libraries that it is for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import luthier.interop
from luthier.errors import MissingDependency

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LIBRARIES = ("catboost", "keras", "lightgbm", "lightning", "mlflow", "torch", "transformers", "wandb", "xgboost")


def test_importing_the_face_imports_no_library() -> None:
    code = f"import sys, luthier.interop as face; print(dir(face), [m for m in {LIBRARIES!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{sorted(luthier.interop.__all__)} []"


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_is_not_there_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {
        "catboost": "", "keras": "KerasPruningCallback", "lightgbm": "LightGBMPruningCallback",
        "lightning": "LightningPruningCallback", "mlflow": "MLflowTracker", "torch": "TorchEpochs",
        "transformers": "TransformersPruningCallback", "wandb": "WandbTracker", "xgboost": "XGBoostPruningCallback",
    }  # fmt: skip
    if not names[library]:  # its callback needs no import of it
        assert luthier.interop.CatBoostPruningCallback is not None
        return
    for module in [name for name in sys.modules if name == library or name.startswith(f"{library}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, f"luthier.interop.{library}", raising=False)
    monkeypatch.delitem(vars(luthier.interop), names[library], raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependency, match=rf"pip install 'luthier\[{library}\]'"):
        getattr(luthier.interop, names[library])


def test_a_misspelt_name_is_corrected() -> None:
    with pytest.raises(AttributeError, match="LightGBMPruningCallback"):
        luthier.interop.LightGbmPruningCallback  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_installed_for_training_takes_the_place_of_nothing() -> None:
    def names(file: str) -> set[str]:
        lines = (REQUIREMENTS / file).read_text(encoding="utf-8").splitlines()
        return {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines if "==" in line}

    training = names("training.txt")
    assert {"lightgbm", "xgboost-cpu", "catboost", "keras", "lightning", "transformers", "wandb"} <= training
    assert training & names("lock.txt") == set()
