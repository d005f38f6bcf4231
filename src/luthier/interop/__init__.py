"""Callbacks that stop training in other libraries early, and trackers of studies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.interop.catboost import CatBoostPruningCallback
    from luthier.interop.keras import KerasPruningCallback
    from luthier.interop.lightgbm import LightGBMPruningCallback
    from luthier.interop.lightning import LightningPruningCallback
    from luthier.interop.mlflow import MLflowTracker
    from luthier.interop.pruning_callback import PruningCallback
    from luthier.interop.scikit_learn import SklearnPruningCallback
    from luthier.interop.tensorboard import TensorBoardTracker
    from luthier.interop.torch import TorchEpochs
    from luthier.interop.tracker import Tracker
    from luthier.interop.transformers import TransformersPruningCallback
    from luthier.interop.wandb import WandbTracker
    from luthier.interop.xgboost import XGBoostPruningCallback

__all__ = [
    "CatBoostPruningCallback",
    "KerasPruningCallback",
    "LightGBMPruningCallback",
    "LightningPruningCallback",
    "MLflowTracker",
    "PruningCallback",
    "SklearnPruningCallback",
    "TensorBoardTracker",
    "TorchEpochs",
    "Tracker",
    "TransformersPruningCallback",
    "WandbTracker",
    "XGBoostPruningCallback",
]

_LEAVES = {
    "CatBoostPruningCallback": ("catboost", "CatBoost", "luthier[catboost]"),
    "KerasPruningCallback": ("keras", "Keras 3", "luthier[keras]"),
    "LightGBMPruningCallback": ("lightgbm", "LightGBM", "luthier[lightgbm]"),
    "LightningPruningCallback": ("lightning", "Lightning", "luthier[lightning]"),
    "MLflowTracker": ("mlflow", "MLflow", "luthier[mlflow]"),
    "PruningCallback": ("pruning_callback", "", ""),
    "SklearnPruningCallback": ("scikit_learn", "scikit-learn 1.9 or later", "scikit-learn>=1.9"),
    "TensorBoardTracker": ("tensorboard", "tensorboardX, or TensorBoard with PyTorch", "luthier[tensorboard]"),
    "TorchEpochs": ("torch", "PyTorch", "luthier[torch]"),
    "Tracker": ("tracker", "", ""),
    "TransformersPruningCallback": ("transformers", "transformers", "luthier[transformers]"),
    "WandbTracker": ("wandb", "Weights & Biases", "luthier[wandb]"),
    "XGBoostPruningCallback": ("xgboost", "XGBoost", "luthier[xgboost]"),
}
"""The module of each name, the library that it needs, and what installs it."""

if not TYPE_CHECKING:  # else a checker would take every misspelt name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a name when it is first asked for, and with it the library that it is for."""
        from luthier._hints import did_you_mean
        from luthier.errors import MissingDependency

        if name not in _LEAVES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{did_you_mean(name, __all__)}")
        from importlib import import_module

        module, library, install = _LEAVES[name]
        try:
            found = getattr(import_module(f"{__name__}.{module}"), name)
        except ImportError as error:
            message = f"luthier.interop.{name} needs {library}: pip install '{install}' ({error})"
            raise MissingDependency(message) from error
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
