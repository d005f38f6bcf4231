"""The trackers for MLflow, TensorBoard and Weights & Biases, with these libraries, offline."""

from __future__ import annotations

import json
import sys
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import luthier as lt
from luthier.trial import State

if find_spec("wandb") is None:  # these libraries have a folder of their own: see the Makefile
    sys.path.append(str(Path(sys.prefix) / "training" / "site-packages"))

pytestmark = pytest.mark.slow

SPACE = {"x": lt.Float(0, 1), "kind é|": lt.Choice("a", "b"), "units": lt.Subset(["p", "q", "r"])}


class Seen(NamedTuple):
    """A trial as the tracker's library reads it back."""

    params: dict[str, str]
    curve: list[tuple[int, float]]
    metrics: dict[str, float]
    state: str
    error: str
    failed: bool


def objective(trial: lt.RunningTrial) -> dict[str, float]:
    if trial.number == 1:
        raise RuntimeError("the disk is full")
    for step in range(3):
        trial.report(trial["x"] + step, step=step)
    trial.set(device="cpu")
    return {"loss": trial["x"], "size": 3.5}


class TrackerContract:
    """The contract. A subclass makes its tracker, and reads back what it wrote."""

    @abstractmethod
    def make(self, folder: Path) -> Any: ...

    @abstractmethod
    def read(self, folder: Path) -> dict[int, Seen]:
        """Read back every trial, from what is in `folder` only."""

    @abstractmethod
    def damage(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the library fail at every trial from now on."""

    @pytest.fixture(autouse=True)
    def _offline(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("WANDB_MODE", "offline")
        monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield

    def study(self, **settings: Any) -> lt.Study:
        return lt.Study("digits", SPACE, minimize="loss", seed=0, method=lt.Random(), store="s.db", **settings)

    def test_trials_are_recorded_and_an_end_by_a_kill_loses_none(self, tmp_path: Path) -> None:
        tracker = self.make(tmp_path)
        with self.study() as study:
            study.run(objective, trials=2)  # as by a process that was killed before it could record
            study.run(objective, trials=3, callbacks=[tracker])
            best = {trial.number: trial for trial in study.trials}
        seen = self.read(tmp_path)
        assert sorted(seen) == [0, 1, 2]
        for number in (0, 2):
            one, trial = seen[number], best[number]
            assert float(one.params["x"]) == pytest.approx(trial.params["x"], rel=1e-6)
            assert len(one.params) == 3 and one.state == "done" and not one.failed
            assert [step for step, _ in one.curve] == [0, 1, 2]
            assert [value for _, value in one.curve] == pytest.approx([r.value for r in trial.reports], rel=1e-6)
            assert one.metrics["loss"] == pytest.approx(trial.value, rel=1e-6)
            assert one.metrics["extra/size"] == 3.5 and one.metrics["duration_s"] >= 0
        assert seen[1].failed and seen[1].state == "failed" and "the disk is full" in seen[1].error
        with self.study() as study:  # by another process
            again = self.make(tmp_path)
            assert again.sync(study) == 0
            study.run(objective, trials=4, callbacks=[again])
            assert again.sync(study.reader) == tracker.sync(study) == 0
        assert sorted(self.read(tmp_path)) == [0, 1, 2, 3]

    def test_paused_trials_are_there_and_go_on(self, tmp_path: Path) -> None:
        tracker, states = self.make(tmp_path), []

        def trained(trial: lt.RunningTrial) -> float:
            value = 0.0
            for step in range(trial.start + 1, 5):
                value = trial["x"] / step
                trial.report(value, step=step)
                if trial.should_stop():
                    break
            return value

        study = self.study(fidelity=lt.Fidelity("steps", 1, 4), stop=lt.SuccessiveHalving(eta=2))
        study.run(trained, trials=4, callbacks=[tracker, lambda study, result: states.append(result.state)])
        assert states == [State.FINISHED]  # other callbacks see what ended
        seen = self.read(tmp_path)
        assert sorted(one.state for one in seen.values()) == ["done", "paused", "paused", "paused"]
        for number, one in seen.items():
            assert [step for step, _ in one.curve] == [report.step for report in study.trial(number).reports]

    def test_a_tracker_that_fails_harms_no_trial_and_says_so_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tracker, study = self.make(tmp_path), self.study()
        trial = study.ask()
        tracker(study, study.tell(trial, {"loss": 0.5, "size": 1.0}))  # ask and tell
        with monkeypatch.context() as broken, warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            self.damage(tmp_path, broken)
            study.run(lambda trial: trial["x"], trials=4, workers=1, callbacks=[tracker])
        ours = [str(one.message) for one in said if "could not record" in str(one.message)]
        assert len(ours) == 1 and type(tracker).__name__ in ours[0] and "tracker.sync(study)" in ours[0]
        assert [trial.is_done for trial in study.trials] == [True] * 4
        assert sorted(self.read(tmp_path)) == [0]
        assert tracker.sync(study) == 3
        assert sorted(self.read(tmp_path)) == [0, 1, 2, 3]


class TestMLflow(TrackerContract):
    def make(self, folder: Path) -> Any:
        from luthier.interop import MLflowTracker

        return MLflowTracker(f"sqlite:///{folder / 'mlflow.db'}")

    def read(self, folder: Path) -> dict[int, Seen]:
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("digits")
        runs = client.search_runs([experiment.experiment_id])
        (parent,) = [run for run in runs if "luthier.study" in run.data.tags]
        found = {}
        for run in runs:
            if run is parent:
                continue
            tags, metrics = run.data.tags, run.data.metrics
            assert tags["mlflow.parentRunId"] == parent.info.run_id
            assert (run.info.status == "FAILED") == (tags["luthier.state"] == "failed")
            curve = client.get_metric_history(run.info.run_id, "reports/loss")
            curve = sorted((metric.step, metric.value) for metric in curve)
            number = int(tags["luthier.trial"])
            assert number not in found
            failed = run.info.status == "FAILED"
            found[number] = Seen(
                run.data.params, curve, metrics, tags["luthier.state"], tags.get("luthier.error", ""), failed
            )
        return found

    def damage(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from mlflow.tracking import MlflowClient

        def fail(*given: Any, **more: Any) -> None:
            raise ConnectionError("no server")

        monkeypatch.setattr(MlflowClient, "create_run", fail)


class TestTensorBoard(TrackerContract):
    def make(self, folder: Path) -> Any:
        from luthier.interop import TensorBoardTracker

        return TensorBoardTracker(folder / "board")

    def read(self, folder: Path) -> dict[int, Seen]:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

        found = {}
        for place in (folder / "board").glob("digits-*/*"):
            params, curve, metrics, texts = {}, [], {}, {}
            for file in place.rglob("events.out.*"):
                for payload in _records(file.read_bytes()):
                    event = Event.FromString(payload)
                    for value in event.summary.value:
                        plugin = value.metadata.plugin_data
                        if plugin.plugin_name == "hparams":
                            started = HParamsPluginData.FromString(plugin.content).session_start_info.hparams
                            params |= {name: _of(item) for name, item in started.items()}
                        elif plugin.plugin_name == "text":
                            texts[value.tag.removesuffix("/text_summary")] = value.tensor.string_val[0].decode()
                        elif value.tag == "reports/loss":
                            curve.append((event.step, value.simple_value))
                        elif value.tag:
                            metrics[value.tag] = value.simple_value
            state = texts["state"]
            found[int(place.name)] = Seen(
                params, sorted(curve), metrics, state, texts.get("error", ""), state == "failed"
            )
        return found

    def damage(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from luthier.interop import tensorboard

        def fail(*given: Any, **more: Any) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(tensorboard, "SummaryWriter", fail)


class TestWandb(TrackerContract):
    def make(self, folder: Path) -> Any:
        from luthier.interop import WandbTracker

        return WandbTracker("a-project", folder=folder)

    def read(self, folder: Path) -> dict[int, Seen]:
        from wandb.proto.wandb_internal_pb2 import Record

        found: dict[int, Seen] = {}
        for file in sorted((folder / "wandb").glob("offline-run-*/run-*.wandb"), key=lambda file: file.stat().st_mtime):
            params, curve, summary, exit_code = {}, [], {}, -1
            for payload in _log_records(file.read_bytes()):
                record = Record.FromString(payload)
                kind = record.WhichOneof("record_type")
                if kind == "run":
                    params |= {item.key: json.loads(item.value_json) for item in record.run.config.update if item.key}
                elif kind == "history":
                    row = {_key(item): json.loads(item.value_json) for item in record.history.item}
                    curve.append((row["step"], row["reports/loss"]))
                elif kind == "summary":
                    summary |= {_key(item): json.loads(item.value_json) for item in record.summary.update}
                elif kind == "exit":
                    exit_code = record.exit.exit_code
            number = int(file.stem.rpartition("-")[2])
            before = found[number].curve if number in found else []
            params = {name: value for name, value in params.items() if not name.startswith("_")}
            metrics = {name: value for name, value in summary.items() if isinstance(value, int | float)}
            found[number] = Seen(
                params, before + curve, metrics, summary["state"], summary.get("error", ""), exit_code == 1
            )
        return found

    def damage(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import wandb

        def fail(*given: Any, **more: Any) -> None:
            raise wandb.errors.CommError("no server")

        monkeypatch.setattr(wandb, "init", fail)


def _records(data: bytes) -> Iterator[bytes]:
    """Read a file of TFRecords: a length of 8 bytes and its checksum of 4, the data, and its checksum of 4."""
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 8], "little")
        yield data[place + 12 : place + 12 + size]
        place += size + 16


def _log_records(data: bytes, block: int = 32768) -> Iterator[bytes]:
    """Read a file of wandb: 7 bytes, then a log of LevelDB: a checksum of 4 bytes, length of 2, kind of 1, the data."""
    place, parts = 7, b""
    while place < len(data):
        if block - place % block < 7:  # the rest of a block that holds no header
            place += block - place % block
            continue
        size, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def _of(value: Any) -> Any:
    return getattr(value, value.WhichOneof("kind"))


def _key(item: Any) -> str:
    return item.key or "/".join(item.nested_key)
