"""Results of other tasks: what is recorded of them, what is refused, and how the first trials follow them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import luthier as lt
from luthier.cli.program import program
from luthier.errors import InvalidSetting, StoreCorrupt, StudyMismatch
from luthier.event import Transferred
from luthier.study import StudyReader

SPACE = {"x": lt.Float(-1, 1), "y": lt.Float(0.1, 10, log=True)}


def bowl(params: Any) -> float:
    return float((params["x"] - 0.4) ** 2 + np.log10(params["y"]) ** 2)


def source(
    loss: Callable[[Any], float] = bowl,
    trials: int = 12,
    space: Any = SPACE,
    name: str = "old",
    seed: int = 1,
    **goal: Any,
) -> lt.Study:
    study = lt.Study(name, space, **(goal or {"minimize": "loss"}), seed=seed, method=lt.Random())
    for trial in study.ask(trials):
        study.tell(trial, loss(trial.params))
    return study


def target(space: Any = SPACE, **settings: Any) -> lt.Study:
    return lt.Study("new", space, **{"minimize": "loss", "seed": 2, **settings})


def test_results_are_known_and_are_no_trials() -> None:
    study, other = target(), source()
    assert study.transfer_from(other) == 12
    (known,) = study.sources
    assert (known.source, known.variables, len(known.configs)) == ("old", ("x", "y"), 12)
    assert len(study) == 0 and len(study.history.data(study.problem)) == 0
    (arrays,) = study.history.data(study.problem).sources
    own = other.history.data(other.problem)
    np.testing.assert_array_equal(arrays.x, own.x)
    np.testing.assert_array_equal(arrays.losses, own.losses)


def test_called_again_it_writes_only_what_changed() -> None:
    study, other = target(), source()
    study.transfer_from(other)
    length, digest = study.history.length, study.history.digest
    assert study.transfer_from(other.reader) == 12
    assert (study.history.length, study.history.digest) == (length, digest)
    other.tell(other.ask(), 0.5)
    assert study.transfer_from(other) == 13
    assert len(study.sources) == 1 and study.history.digest != digest


def test_names_objectives_and_directions() -> None:
    space = {"lr": lt.Float(-1, 1), "y": lt.Float(0.1, 10, log=True), "z": lt.Int(1, 3)}
    other = source(lambda p: -p["lr"], space=space, maximize="accuracy")
    study = target(maximize="score", minimize=())
    with pytest.raises(StudyMismatch, match="objectives="):
        study.transfer_from(other)
    given: dict[str, Any] = {"objectives": {"accuracy": "score"}}
    with pytest.raises(StudyMismatch, match=r"'z'.*ignore"):
        study.transfer_from(other, **given, names={"lr": "x"})
    study.transfer_from(other, **given, names={"lr": "x"}, ignore=["z"])
    (known,) = study.history.data(study.problem).sources
    x = np.array([config["x"] for config in study.sources[0].configs])
    np.testing.assert_allclose(known.losses[:, 0], x)


@pytest.mark.parametrize(
    ("make", "settings", "says"),
    [
        (lambda: source(maximize="loss"), {}, "maximizes 'loss', and this one minimizes"),
        (lambda: source(trials=3), {}, "at least 4"),
        (lambda: source(space={"a": lt.Float(0, 1)}, loss=lambda p: p["a"]), {"ignore": ["a"]}, "no variable of this"),
        (lambda: source(space={"a": lt.Float(0, 1)}, loss=lambda p: p["a"]), {}, "'a' is not one of this study"),
        (lambda: source(lambda p: p["x"], space={"x": lt.Float(5, 9)}), {}, "can hold 0.*x = "),
        (source, {"names": {"q": "x"}}, "no variable 'q'"),
        (source, {"objectives": {"los": "loss"}}, "no objective 'los'"),
        (source, {"objectives": {"loss": "los"}}, "no objective 'los'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(make: Any, settings: Any, says: str) -> None:
    study, other = target(), make()
    length = study.history.length
    with pytest.raises(StudyMismatch, match=says):
        study.transfer_from(other, **settings)
    assert study.history.length == length


def test_studies_of_one_name_and_seed_are_told_apart() -> None:
    study = target()
    for _ in range(4):
        study.tell(study.ask(), 1.0)
    with pytest.raises(StudyMismatch, match="this study itself or a copy"):
        study.transfer_from(study)
    for level in (0.0, 1.0, 1.0):
        study.transfer_from(source(lambda params, level=level: bowl(params) + level, name="new", seed=2))
    assert len(study.sources) == 2


@pytest.mark.parametrize("wrong", [{"names": 5}, {"objectives": {"loss": 5}}, {"ignore": "x"}])
def test_what_is_no_mapping_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        target().transfer_from(source(), **wrong)
    with pytest.raises(InvalidSetting, match=r"takes a study.*open it first"):
        target().transfer_from("old.db")


def test_of_many_results_the_best_and_some_others_are_kept() -> None:
    study, other = target(), source(trials=300)
    assert study.transfer_from(other) == 200
    losses = np.sort([trial.value for trial in other.trials])
    kept = np.sort(study.sources[0].values["loss"])
    np.testing.assert_array_equal(kept[:100], losses[:100])
    assert kept[-1] > losses[-6]


def test_a_part_of_the_space_says_nothing_of_the_rest() -> None:
    study = target({**SPACE, "n": lt.Int(1, 5), "k": lt.Choice("a", "b"), "d": lt.Int(1, 3, when="k == 'b'")})
    study.transfer_from(source())
    (known,) = study.history.data(study.problem).sources
    assert known.places.tolist() == [0, 1] and np.isnan(known.x[:, 2:]).all()
    study.transfer_from(source(), fill={"n": 3})
    (known,) = study.history.data(study.problem).sources
    assert known.places.tolist() == [0, 1, 2] and (known.x[:, 2] == 0.5).all()
    for _ in range(7):
        trial = study.ask()
        study.tell(trial, bowl(trial.params) + trial["n"])
    assert study.verify().ok


def test_results_outside_the_space_or_inactive_here_are_left_out() -> None:
    space = {"k": lt.Choice("a", "b"), "d": lt.Float(0, 1, when="k == 'b'")}
    other = source(lambda p: p.get("d", 0.3), 40, space)
    study = target({"k": lt.Choice("a", "b"), "d": lt.Float(0, 0.5)})
    held = [trial for trial in other.trials if trial.params.get("d", 1) <= 0.5]
    assert study.transfer_from(other) == len(held) < 40


def test_a_source_is_read_in_a_changed_space() -> None:
    study = target()
    study.transfer_from(source(trials=30))
    study.change(study.space.replace({"x": lt.Float(0, 1), "n": lt.Int(1, 5, default=2)}, remove="y"))
    (known,) = study.history.data(study.problem).sources
    inside = [config["x"] for config in study.sources[0].configs if config["x"] >= 0]
    np.testing.assert_allclose(known.x[:, 0], inside)
    assert known.places.tolist() == [0]
    for _ in range(6):
        study.tell(study.ask(), 1.0)
    assert study.verify().ok


def test_the_fourth_trial_is_the_best_of_the_sources_and_all_keep_the_constraints() -> None:
    other = source(trials=40)
    best = min(other.trials, key=lambda trial: trial.value).params
    study, without = target(), target()
    study.transfer_from(other)
    for _ in range(3):
        trial = study.ask()
        assert trial.params == without.ask().params
        study.tell(trial, bowl(trial.params))
    fourth = study.ask()
    assert bowl(fourth.params) <= sorted(trial.value for trial in other.trials)[4]
    bound = best["x"] - 0.05
    bounded = target(lt.Space(SPACE, require=[f"x <= {bound}"]))
    bounded.transfer_from(other)
    for _ in range(5):
        trial = bounded.ask()
        assert trial["x"] <= bound
        bounded.tell(trial, bowl(trial.params))


def by_source(loss: Callable[[Any], float], count: int = 5, **settings: Any) -> list[int]:
    """Give which of the first trials of a study were proposed by its source."""
    study = target(**settings)
    study.transfer_from(source(loss, 40))
    for _ in range(count):
        trial = study.ask()
        study.tell(trial, bowl(trial.params))
    assert study.verify().ok
    return [trial.number for trial in study.history.trials if trial.note.get("source")]


def test_no_trial_is_spent_on_sources_that_say_the_opposite() -> None:
    assert by_source(bowl) == [3, 4]
    assert by_source(lambda params: -bowl(params)) == []
    assert by_source(bowl, 10, method=lt.Auto(initial=10)) == [3, 4, 5, 6, 8]  # then one of each two


def test_sources_whose_best_is_bad_are_left_after_it() -> None:
    def misleading(params: Any) -> float:  # it has the order right but for its best
        return -1.0 if params["x"] < -0.7 else bowl(params)

    assert by_source(misleading) == [3]


def test_what_broke_a_limit_there_is_no_first_trial_here() -> None:
    other = lt.Study("old", SPACE, minimize="loss", constraints={"mb": "<= 5"}, seed=1, method=lt.Random())
    for trial in other.ask(30):
        other.tell(trial, {"loss": trial["x"], "mb": 1.0 if trial["x"] > 0 else 9.0})
    study = target()
    study.transfer_from(other)
    (known,) = study.history.data(study.problem).sources
    np.testing.assert_array_equal(known.feasible, known.x[:, 0] > 0.5)
    first = study.ask(5)
    assert all(trial["x"] > 0 for trial in first if study.history.trial(trial.number).note.get("source"))
    assert sum("source" in study.history.trial(trial.number).note for trial in first) == 1


def test_of_several_objectives_those_that_were_measured_are_used() -> None:
    study = target(minimize=["loss", "seconds"])
    study.transfer_from(source(trials=20))
    (known,) = study.history.data(study.problem).sources
    assert np.isfinite(known.losses[:, 0]).all() and np.isnan(known.losses[:, 1]).all()
    for _ in range(8):
        trial = study.ask()
        study.tell(trial, {"loss": bowl(trial.params), "seconds": trial["x"]})
    assert study.verify().ok
    assert "sources" in study.history.trials[-1].note


def test_damage_in_the_log_is_found() -> None:
    study = target()
    with pytest.raises(StoreCorrupt):
        study.history.apply(Transferred("a", "", ("x",), ({"x": 0.1},), {"loss": ()}))


def test_the_source_need_not_be_there_any_more(tmp_path: Path) -> None:
    place = tmp_path / "old.db"
    with lt.Study("old", SPACE, minimize="loss", seed=1, method=lt.Random(), store=place) as other:
        other.add_many([{"x": x / 10, "y": 1.0} for x in range(8)], [abs(x / 10 - 0.4) for x in range(8)])
    with target(store=tmp_path / "new.db") as study, StudyReader.open(place) as reader:
        assert study.transfer_from(reader) == 8
        study.tell(study.ask(), 1.0)
    place.unlink()
    with lt.Study("new", store=tmp_path / "new.db") as study:
        for _ in range(6):
            trial = study.ask()
            study.tell(trial, bowl(trial.params))
        assert study.verify().ok
        assert study.reader.to_dict()["sources"] == [
            {"name": "old", "results": 8, "variables": ["x", "y"], "objectives": ["loss"]}
        ]
        assert study.copy(tmp_path / "copy.db").sources == study.sources


STUDY = """
[study]
name = "new"
minimize = "loss"
seed = 2
transfer = ["old.db#old"]

[objective]
command = "echo {x}"

[space]
x = {float = [-1, 1]}
y = {float = [0.1, 10], log = true}

[budget]
trials = 2

[executor]
kind = "inline"
"""


def test_from_the_command_line_and_from_a_study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source().copy("old.db").close()
    target(store="other.db").close()
    done = CliRunner().invoke(program, ["transfer", "other.db", "old.db#old"])
    assert done.output == "new: learns from 12 results of old\n", done.output
    assert "learns from 12 results of old" in CliRunner().invoke(program, ["show", "other.db"]).output
    wrong = CliRunner().invoke(program, ["transfer", "other.db", "old.db", "--names", "lr"])
    assert wrong.exit_code == 2 and "THEIRS=OURS" in wrong.output
    (tmp_path / "study.toml").write_text(STUDY)
    done = CliRunner().invoke(program, ["run", "study.toml", "--quiet"])
    assert done.exit_code == 0, done.output
    with lt.Study("new", store="study.db") as study:
        assert len(study.sources[0].configs) == 12 and len(study) == 2
    (tmp_path / "old.db").unlink()  # it is recorded, and not read again
    assert CliRunner().invoke(program, ["run", "study.toml", "--quiet", "--trials", "3"]).exit_code == 0
    (tmp_path / "study.db").unlink()
    gone = CliRunner().invoke(program, ["run", "study.toml", "--quiet"])
    assert "there is no store" in str(gone.exception) and "line 6" in str(gone.exception)


def test_with_a_fidelity_and_with_a_prior_in_batches() -> None:
    def train(trial: lt.RunningTrial) -> float:
        for epoch in range(1, 10):
            trial.report(bowl(trial.params) + 1 / epoch, step=epoch)
            if trial.should_stop():
                break
        return bowl(trial.params) + 1 / epoch

    study = target(fidelity=lt.Fidelity("epochs", 1, 9))
    study.transfer_from(source(trials=20))
    study.run(train, trials=8)
    assert study.verify().ok and "sources" in study.history.trials[-1].note
    believing = target(method=lt.Auto(prior=lt.Prior({"x": lt.Normal(0.4, 0.1)})))
    believing.transfer_from(source(trials=20))
    notes = [believing.history.trial(trial.number).note for trial in believing.ask(6)]
    assert sum("source" in note for note in notes) == 2 and any("believed" in note for note in notes)
    assert believing.verify().ok
