"""What the pruning callback of each library keeps to, run with the library itself."""

from __future__ import annotations

import os
import re
import sys
from abc import abstractmethod
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.trial import Reason

if find_spec("lightgbm") is None:  # these libraries have a folder of their own: see the Makefile
    sys.path.append(str(Path(sys.prefix) / "training" / "site-packages"))
os.environ["KERAS_BACKEND"] = "torch"

STEPS = 4
SPACE = {"rate": lt.Float(0.02, 0.5, log=True)}

_random = np.random.default_rng(0)
X = _random.normal(size=(96, 4)).astype("float32")
Y = (X[:, 0] - X[:, 1] + 0.3 * _random.normal(size=96) > 0).astype("int64")
TRAIN, VALID = slice(0, 64), slice(64, 96)


class Training(NamedTuple):
    """What a training came to: how many steps the model has, and the metric after each of the steps of this attempt."""

    steps: int
    values: list[float]


class PruningCallbackContract:
    """The contract. A subclass trains `STEPS` steps at most."""

    exact: ClassVar[bool] = True
    """Whether a training that goes on from a checkpoint gives the values of one that was never interrupted."""
    keeps: ClassVar[bool] = True
    """Whether there are checkpoints."""
    metric: ClassVar[str] = "val_loss"
    goal: ClassVar[dict[str, Any]] = {"minimize": "loss"}

    @abstractmethod
    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        """Train with a callback, which is returned."""

    @pytest.fixture(autouse=True)
    def _quiet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.chdir(tmp_path)
        yield

    def run(self, study: lt.Study, checkpoint: bool = False, metric: str | None = None, **options: Any) -> list[Any]:
        """Run a study whose objective trains; give what each call came to."""
        calls = []

        def objective(trial: lt.RunningTrial) -> float:
            callback, training = self.train(trial, metric or self.metric, checkpoint, **options)
            calls.append((trial.number, callback.start, training))
            value: float = callback.value
            return value

        study.run(objective, trials=options.pop("trials", 1))
        return calls

    def test_each_step_is_reported(self) -> None:
        study = lt.Study("all", SPACE, **self.goal, seed=0, method=lt.Random())
        ((_, start, training),) = self.run(study)
        (trial,) = study.trials
        assert trial.is_done and start == 0 and training.steps == STEPS
        assert [report.step for report in trial.reports] == [1, 2, 3, 4]
        assert [report.value for report in trial.reports] == pytest.approx(training.values, abs=1e-6)
        assert trial.value == trial.reports[-1].value

    def test_the_rule_ends_a_training_in_the_middle(self) -> None:
        rule = lt.Threshold(-1e9 if "minimize" in self.goal else 1e9, after=2)  # which nothing meets
        study = lt.Study("stopped", SPACE, **self.goal, seed=0, method=lt.Random(), stop=rule)
        calls = self.run(study)
        (trial,) = study.trials
        assert trial.reason is Reason.PRUNED
        assert [report.step for report in trial.reports] == [1, 2]
        assert not calls or calls[0][2].steps == 2

    def test_some_steps_are_reported(self) -> None:
        study = lt.Study("some", SPACE, **self.goal, seed=0, method=lt.Random())
        self.run(study, every=3)
        assert [report.step for report in study.trials[0].reports] == [3]

    def test_a_metric_that_is_not_there_is_said(self) -> None:
        study = lt.Study("none", SPACE, **self.goal, seed=0, method=lt.Random())
        self.run(study, metric="nothing_like_it")
        (trial,) = study.trials
        assert trial.reason is Reason.FAILED
        said = re.search("InvalidSetting: metric='nothing_like_it'.*", trial.error)
        assert said is not None and self.metric in said[0]

    def test_bad_settings_are_refused(self) -> None:
        study = lt.Study("told", SPACE, **self.goal, seed=0, method=lt.Random())
        trial = study.ask()
        with pytest.raises(InvalidSetting, match="every=0"):
            self.train(trial, self.metric, False, every=0)
        if self.keeps:
            with pytest.raises(InvalidSetting, match="ask and tell"):
                self.train(trial, self.metric, True)
        callback, training = self.train(trial, self.metric, False)
        assert study.tell(trial, callback.value).is_done
        assert training.steps == len(study.trials[0].reports) == STEPS

    def test_a_promoted_trial_goes_on_from_its_checkpoint(self) -> None:
        if not self.keeps:
            return
        study = lt.Study(
            "promoted",
            SPACE,
            **self.goal,
            seed=0,
            method=lt.Random(),
            fidelity=lt.Fidelity("steps", 1, STEPS),
            stop=lt.SuccessiveHalving(eta=2),
        )
        calls = self.run(study, True, trials=4)
        assert study.reader.summary() == "4 trials: 3 paused, 1 done"
        starts = [start for _, start, _ in calls]
        assert starts[:4] == [0, 0, 0, 0] and len(starts) > 4 and set(starts[4:]) <= {1, 2}
        for trial in study.trials:  # each step once
            steps = [report.step for report in trial.trial.reports]
            assert steps == list(range(1, len(steps) + 1)) and len(steps) in (1, 2, 4)
        assert calls[-1][2].steps == STEPS
        assert "0 mismatches" in str(study.verify())
        if self.exact:
            alone = lt.Study("alone", SPACE, **self.goal, seed=0, method=lt.Random())
            alone.enqueue(study.best.params)
            self.run(alone)
            ours, whole = study.best.reports, alone.best.reports
            assert [report.value for report in ours] == pytest.approx([report.value for report in whole], rel=1e-5)

    def test_a_checkpoint_of_the_last_step_is_enough(self) -> None:
        """One whose worker dies after its last checkpoint and before its value is known."""
        if not self.keeps:
            return
        study = lt.Study("died", SPACE, **self.goal, seed=0, method=lt.Random(), store="died.db")
        values = []

        def objective(trial: lt.RunningTrial) -> float:
            callback, _ = self.train(trial, self.metric, True)
            values.append(callback.value)
            if trial.attempt == 1:
                raise KeyboardInterrupt
            return values[-1]

        with pytest.raises(lt.errors.Interrupted):
            study.run(objective, trials=1)
        study.run(objective, trials=1)
        assert study.best.value == values[1] == pytest.approx(values[0], rel=1e-5 if self.exact else 0.5)
