"""The pruning callbacks of networks with Keras, Lightning, transformers and PyTorch themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pruning_callbacks import STEPS, TRAIN, VALID, PruningCallbackContract, Training, X, Y

import luthier as lt
from luthier.errors import InvalidSetting

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class TestTorch(PruningCallbackContract):
    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        import torch

        from luthier.interop import TorchEpochs

        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=trial["rate"])
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
        epochs = TorchEpochs(trial, STEPS, checkpoint=checkpoint, **parts, **options)
        x, y = torch.from_numpy(X), torch.from_numpy(Y)
        values: list[float] = []
        for _ in epochs:
            model.train()
            for rows in torch.randperm(64).split(16):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()
            schedule.step()
            model.eval()
            with torch.no_grad():
                values.append(torch.nn.functional.cross_entropy(model(x[VALID]), y[VALID]).item())
            epochs.report(values[-1])
        return epochs, Training(epochs.start + len(values), values)

    def test_a_metric_that_is_not_there_is_said(self) -> None:
        """The loop measures for itself; what can be wrong is what it hands over."""
        from luthier.interop import TorchEpochs

        trial = lt.Study("parts", {"rate": lt.Float(0.1, 1)}, minimize="loss").ask()
        with pytest.raises(InvalidSetting, match="model='net': a part of a training has state_dict"):
            TorchEpochs(trial, 3, model="net")  # type: ignore[arg-type]
        with pytest.raises(InvalidSetting, match="epochs=0"):
            TorchEpochs(trial, 0)


class TestKeras(PruningCallbackContract):
    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        import keras

        from luthier.interop import KerasPruningCallback

        callback = KerasPruningCallback(trial, metric, checkpoint=checkpoint, **options)
        if callback.resume_from is not None:
            model = keras.saving.load_model(callback.resume_from)
        else:
            keras.utils.set_random_seed(0)
            model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
            model.compile(keras.optimizers.Adam(trial["rate"]), "binary_crossentropy")
        given = {"validation_data": (X[VALID], Y[VALID]), "callbacks": [callback], "verbose": 0, "shuffle": False}
        fitted = model.fit(X[TRAIN], Y[TRAIN], epochs=STEPS, initial_epoch=callback.start, batch_size=16, **given)
        values = fitted.history.get("val_loss", [])
        return callback, Training(callback.start + len(values), values)


class TestLightning(PruningCallbackContract):
    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        import lightning
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        from luthier.interop import LightningPruningCallback

        class Net(lightning.LightningModule):
            def __init__(self) -> None:
                super().__init__()
                self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
                self.values: list[float] = []

            def training_step(self, batch: Any, index: int) -> Any:
                return torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

            def validation_step(self, batch: Any, index: int) -> None:
                loss = torch.nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
                self.log("val_loss", loss)
                if not self.trainer.sanity_checking:
                    self.values.append(loss.item())

            def configure_optimizers(self) -> Any:
                return torch.optim.Adam(self.parameters(), lr=trial["rate"])

        torch.manual_seed(0)
        net = Net()
        callback = LightningPruningCallback(trial, metric, checkpoint=checkpoint, **options)
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = lightning.Trainer(
            max_epochs=STEPS, accelerator="cpu", callbacks=[callback], enable_model_summary=False, **quiet
        )
        x, y = torch.from_numpy(X), torch.from_numpy(Y)
        train = DataLoader(TensorDataset(x[TRAIN], y[TRAIN]), 16)
        valid = DataLoader(TensorDataset(x[VALID], y[VALID]), 32)
        trainer.fit(net, train, valid, ckpt_path=callback.resume_from)
        return callback, Training(callback.start + len(net.values), net.values)


class TestTransformers(PruningCallbackContract):
    metric = "eval_loss"

    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        import torch
        from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

        from luthier.interop import TransformersPruningCallback

        callback = TransformersPruningCallback(trial, metric, checkpoint=checkpoint, **options)
        torch.manual_seed(0)
        sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
        model = BertForSequenceClassification(BertConfig(vocab_size=16, max_position_embeddings=8, **sizes))
        tokens = ((X > 0) * 8 + (abs(X) * 3).clip(0, 7)).astype("int64")
        rows = [{"input_ids": row, "labels": int(label)} for row, label in zip(tokens, Y, strict=True)]
        folder = trial.folder / "trainer" if isinstance(trial, lt.RunningTrial) else Path("trainer")
        arguments = TrainingArguments(
            str(folder),
            num_train_epochs=STEPS,
            learning_rate=trial["rate"] / 10,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=32,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            logging_strategy="no",
        )
        trainer = Trainer(model, arguments, train_dataset=rows[TRAIN], eval_dataset=rows[VALID], callbacks=[callback])
        trainer.train(resume_from_checkpoint=callback.resume_from)
        values = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
        return callback, Training(round(trainer.state.epoch), values[callback.start :])

    def test_some_steps_are_reported(self) -> None:
        """The trainer's arguments say when it evaluates, so there is no `every`; a step may be one of the optimizer."""
        study = lt.Study("some", {"rate": lt.Float(0.02, 0.5)}, minimize="loss", seed=0, method=lt.Random())
        self.run(study, unit="steps")
        assert [report.step for report in study.trials[0].reports] == [4, 8, 12, 16]

    def test_bad_settings_are_refused(self) -> None:
        trial = lt.Study("told", {"rate": lt.Float(0.02, 0.5)}, minimize="loss", seed=0).ask()
        with pytest.raises(InvalidSetting, match="unit='hours'"):
            self.train(trial, self.metric, False, unit="hours")
        with pytest.raises(InvalidSetting, match="ask and tell"):
            self.train(trial, self.metric, True)
