"""Costs, forecasts, ends of runs and the lead over the defaults, as they are shown: live, in the end, in reports."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import luthier as lt
from luthier.analysis import Forecast, IntervalEstimate
from luthier.cli.program import program
from luthier.cli.progress_bar import LiveProgress
from luthier.cli.studyfile.read import read_study
from luthier.errors import InvalidFile, NoResult
from luthier.run import LineReporter, tally_of
from luthier.run.progress import NotebookReporter
from luthier.run.progress.live_forecast import LiveForecast, ShowsForecast
from luthier.run.progress.spending_text import forecast_line, spent_text

GAINS = (IntervalEstimate(0.1, 0, 0.2), IntervalEstimate(0.25, 0, 0.5))
FORECAST = Forecast("loss", False, (1, 20), GAINS, 0.5, 0.03, 1.0, 0, 9, 0.9, "GP")
AHEAD = "20 more: 0.25 [0, 0.5] better, noise 0.03"


def study(**settings: Any) -> lt.Study:
    given: dict[str, Any] = {"minimize": "loss", "cost": "dollars", "method": lt.Random(), "seed": 0}
    return lt.Study("shown", {"x": lt.Float(0, 1)}, **(given | settings))


def priced(trial: lt.RunningTrial) -> dict[str, float]:
    return {"loss": trial["x"], "dollars": 2.5}


# --- live ----------------------------------------------------------------------------------------------


def test_texts() -> None:
    assert forecast_line(FORECAST) == AHEAD
    problem, plain = study().problem, lt.Study("p", {"x": lt.Float(0, 1)}, minimize="loss").problem
    assert spent_text(problem, 12.5, 20.0) == "12.5/20 dollars" and spent_text(problem, 12.5, None) == "12.5 dollars"
    assert spent_text(plain, 90.0, 600.0) == "90 s of 10 min 0 s spent"


def test_lines_say_what_was_spent_and_what_is_ahead() -> None:
    stream = io.StringIO()
    reporter = LineReporter(stream, every_s=0.0, cost=10.0)
    reporter.forecast(FORECAST)
    study().run(priced, cost=10.0, progress=reporter)
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("4 trials, best loss = ") and last.endswith(f", 10/10 dollars, {AHEAD}")


def test_the_bar_says_what_was_spent_and_what_is_ahead() -> None:
    stream = io.StringIO()
    with study() as made, LiveProgress("a", tally_of(made.problem, None, None, made.trials, 10.0), stream) as shown:
        shown.forecast(FORECAST)
        made.run(priced, cost=10.0, progress=shown)
    line = [line for line in stream.getvalue().splitlines() if "best" in line][-1]
    assert "/10 dollars" in line and line.endswith(AHEAD)
    tally = tally_of(made.problem, None, None, ())
    assert all(isinstance(one, ShowsForecast) for one in (shown, LineReporter(stream), NotebookReporter("a", tally)))


def test_forecasts_take_a_fiftieth_of_the_time_and_wait_until_enough_is_known() -> None:
    now, made, seen = [0.0], list[int](), list[Forecast]()

    class Shown:
        def forecast(self, found: Forecast) -> None:
            seen.append(found)

    def make(trials: int) -> Forecast:
        made.append(trials)
        now[0] += 1.0
        if len(made) == 1:
            raise NoResult("too little")
        return FORECAST

    live = LiveForecast(make, Shown(), lambda: now[0])
    live.look(50)  # a run that has just begun
    now[0] = 10.0
    live.look(9)  # too few trials
    assert made == []
    live.look(10)
    assert made == [20] and seen == []
    for second in range(11, 400):
        now[0] = max(now[0], float(second))
        live.look(20)
    assert 2 <= len(made) <= 8 and len(seen) == len(made) - 1


def test_a_run_says_why_it_was_ended() -> None:
    stream = io.StringIO()
    study().run(lambda trial: {"loss": 1.0, "dollars": 1.0}, stop=lt.NoProgress(4), progress=LineReporter(stream))
    assert "not worth it after 5 trials: 4 trials in a row bettered nothing (NoProgress)" in stream.getvalue()


# --- a report ------------------------------------------------------------------------------------------


def test_a_report_warns_where_the_lead_is_below_the_noise(tmp_path: Path) -> None:
    run = study()
    run.enqueue({"x": 0.5})
    run.run(
        lambda trial: {"loss": 0.5 - 0.001 * trial.number, "variance": 0.04, "dollars": 1.0},
        trials=40, stop=lt.NoProgress(3, least=0.1),
    )  # fmt: skip
    text = run.report(tmp_path / "page.md").read_text(encoding="utf-8")
    assert "better than the defaults (trial 0), which is below the noise" in text
    assert "not worth it after 5 trials" in text and "5 `dollars`" in text
    sure = study()
    sure.enqueue({"x": 0.5})
    sure.run(lambda trial: {"loss": trial["x"], "variance": 1e-6, "dollars": 1.0}, trials=6)
    assert "below the noise" not in sure.report(tmp_path / "sure.md").read_text(encoding="utf-8")


# --- study files and the command line ------------------------------------------------------------------

FILE = """\
[study]
minimize = "loss"
cost = "dollars"
baseline = true
seed = 0

[objective]
python = "train:loss"

[space]
x = {float = [0, 1], default = 0.5}

[method]
use = "Random"

[budget]
cost = 12.5

[executor]
kind = "inline"
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(
        "def loss(trial):\n    return {'loss': 0.5 - 0.001 * trial.number, 'variance': 0.01, 'dollars': 2.5}\n"
    )
    (tmp_path / "study.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def luthier(*arguments: str) -> str:
    result = CliRunner().invoke(program, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_study_file_has_a_cost_and_a_budget_in_it(beside: Path) -> None:
    said = luthier("run")
    assert "5 trials (5 done)" in said and "for 12.5 dollars; the budget is spent" in said
    assert "warning: the best is 0.004 better than the defaults, which is below the noise" in said
    assert "10 trials" in luthier("run", "--cost", "25")


def test_what_ends_a_run_is_no_rule_of_the_study() -> None:
    for rule in ("not worth it", lt.NotWorthIt()):
        with pytest.raises(lt.errors.InvalidSetting, match=r"belongs to the run, study\.run"):
            lt.Study("wrong", {"x": lt.Float(0, 1)}, minimize="loss", stop=rule)  # type: ignore[arg-type]


def test_the_defaults_may_be_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.toml").write_text(
        '[study]\nminimize = "loss"\nbaseline = true\n[objective]\npython = "steep:loss"\n'
        '[space]\nx = {float = [0, 1]}\n[method]\nuse = "Random"\n[executor]\nkind = "inline"\n',
        encoding="utf-8",
    )
    Path("steep.py").write_text(
        "def loss(trial):\n    return {'loss': 1.0 * trial.number, 'variance': 9.0}\n", encoding="utf-8"
    )
    said = luthier("run", "--trials", "3")
    assert "warning: no trial is better than the defaults\n" in said and "below the noise" not in said


def test_a_study_file_may_end_a_run(beside: Path) -> None:
    rule = '{use = "NoProgress", trials = 3, least = 0.1}'
    (beside / "study.toml").write_text(FILE.replace("cost = 12.5", f"stop = {rule}"))
    said = luthier("run")
    assert "more trials are not worth it" in said and "not worth it after 5 trials" in said
    assert read_study(beside / "study.toml").ending == lt.NoProgress(3, 0.1)
    (beside / "study.toml").write_text(FILE.replace("cost = 12.5", 'stop = "not worth it"'))
    assert read_study(beside / "study.toml").ending == lt.NotWorthIt()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cost = 12.5", "cost = -1", "more than 0"),
        ("cost = 12.5", 'cost = "much"', "more than 0"),
        ("cost = 12.5", 'stop = "soon"', "not worth it"),
        ("cost = 12.5", 'stop = {use = "Median"}', "not worth it"),
        ('cost = "dollars"', "cost = 3", "cost"),
    ],
)
def test_a_mistake_in_it_has_its_line(beside: Path, old: str, new: str, said: str) -> None:
    (beside / "study.toml").write_text(FILE.replace(old, new))
    with pytest.raises(InvalidFile, match=said) as caught:
        read_study(beside / "study.toml")
    assert "study.toml, line " in str(caught.value)
