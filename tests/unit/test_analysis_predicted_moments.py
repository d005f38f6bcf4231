"""Mean and standard deviation of predictions in the objective's units, as they stand in tables and exports."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import luthier as lt
from luthier.analysis.predicted_moments import predicted_moments
from luthier.cli import execute
from luthier.errors import NoResult
from luthier.problem import Objective, Problem


class _LogNormal:
    """A prediction whose logarithm is normal with these moments."""

    def __init__(self, mean: float, std: float) -> None:
        self.mean, self.std = mean, std

    def quantiles(self, x: np.ndarray, levels: list[float], observed: bool = False) -> np.ndarray:
        from scipy.special import ndtri

        return np.exp(self.mean + self.std * ndtri(np.array(levels)))[:, None] * np.ones(len(x))


def test_moments_are_those_of_the_distribution() -> None:
    space = lt.Space({"x": lt.Float(0, 1)})

    class Known:
        problem = Problem(space, (Objective("y", maximize=True),))
        distributions = (_LogNormal(0.3, 0.4),)

    found = predicted_moments(Known(), [{"x": 0.5}, {"x": 0.75}])["y"]  # type: ignore[arg-type]
    mean = np.exp(0.3 + 0.4**2 / 2)
    assert found.mean == pytest.approx([-mean, -mean], rel=1e-9)  # of losses, turned back
    assert found.std == pytest.approx([mean * np.sqrt(np.exp(0.4**2) - 1)] * 2, rel=1e-6)


def test_tables_and_exports_have_predictions_where_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    space = {"x": lt.Float(0, 1), "predicted.y": lt.Float(0, 1)}
    with lt.Study("s", space, maximize="y", method=lt.Random(), seed=1, store="s.db") as study:
        study.add({"x": 0.5, "predicted.y": 0.5}, 0.5)
        with pytest.raises(NoResult, match="3"):
            study.to_frame(predictions=True)
        study.add_many([{"x": x, "predicted.y": 0.5} for x in (0.1, 0.3, 0.7, 0.9)], [0.1, 0.3, 0.7, 0.9])
        frame = study.to_frame(predictions=True)
        plain = study.predict(study.trial(1).params)
    assert list(frame["predicted.y"]) == [0.5] * 5  # the variable keeps its name
    assert abs(frame["model.predicted.y"] - frame["y"]).max() < 0.05 and (frame["predicted_std.y"] > 0).all()
    assert frame["model.predicted.y"][1] == pytest.approx(plain.value, abs=(plain.high - plain.low) / 2)
    assert execute(["export", "s.db", "--predictions", "-o", "s.csv"]) == 0
    rows = list(csv.DictReader(Path("s.csv").read_text("utf-8").splitlines()))
    assert float(rows[2]["predicted_std.y"]) == pytest.approx(frame["predicted_std.y"][2], rel=1e-6)
    assert execute(["export", "s.db", "--predictions", "-o", "s.json"]) == 0
    document = json.loads(Path("s.json").read_text("utf-8"))
    assert document["trials"][2]["predicted"]["predicted_std.y"] == pytest.approx(frame["predicted_std.y"][2], rel=1e-6)


def test_exports_have_everything_that_a_picture_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    monkeypatch.chdir(tmp_path)
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", seed=1, store="s.db") as study:
        trial = study.ask()
        trial.report(3.0)
        study.release(trial)
        again = study.ask()
        again.report(2.0)
        again.report(1.5)
        study.tell(again, {"y": 1.0, "violations": {"size": -0.5}})
    needed = {"attempts", "begun", "ended", "worker", "reports", "violations.size", "note", "duration_s"}
    for name in ("s.csv", "s.parquet", "s.json"):
        assert execute(["export", "s.db", "-o", name]) == 0
    (row,) = csv.DictReader(Path("s.csv").read_text("utf-8").splitlines())
    assert needed <= row.keys() and row["attempts"] == "2" and row["reports"] == "[[0, 2.0], [1, 1.5]]"
    assert json.loads(row["note"])["by"] == "design"
    frame = pandas.read_parquet("s.parquet")
    assert needed <= {*frame.columns} and frame["violations.size"][0] == -0.5 and frame["reports"][0] == row["reports"]
    (told,) = json.loads(Path("s.json").read_text("utf-8"))["trials"]
    assert told["reports"] == [[0, 2.0], [1, 1.5]]
    assert told["reports_of_attempts"] == [[1, 0, 3.0], [2, 0, 2.0], [2, 1, 1.5]]
    assert told["note"]["by"] == "design" and told["attempts"] == 2 and told["worker"]
