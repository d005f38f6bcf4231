"""Notes of proposals: typed, without prose, and put into words when a log is read."""

from __future__ import annotations

import typing
from typing import Any

import msgspec
import pytest

import luthier as lt
from luthier import codec
from luthier.analysis.note_text import _PARTS, describe_note
from luthier.key import Key
from luthier.method import AcquisitionOptimizer, notes
from luthier.method.notes import ModelChoice, ProposedBy, QuasiPlace, SlotChild, StateOpening, read, written
from luthier.testing.methods import SPACES, Drive

BRIEF = AcquisitionOptimizer(scattered=40, nearby=20, rounds=1, climbers=2, tries=5)
HEDGE = lt.Hedge((lt.EI(), lt.UCB(2.0)))
METHODS: dict[str, Any] = {
    "anneal": lt.Anneal(),
    "auto": lt.Auto(search=BRIEF),
    "cma": lt.Evolution(),
    "de": lt.Evolution("de"),
    "gp": lt.Bayes(initial=4, search=BRIEF),
    "grid": lt.Grid(points=3),
    "hedge": lt.Bayes(acquisition=HEDGE, initial=4, search=BRIEF),
    "parzen": lt.Bayes(lt.Parzen(), lt.EI(), initial=4, search=BRIEF, prior=lt.Prior({"C": lt.LogNormal(0, 1)})),
    "quasi": lt.Quasi(),
    "random": lt.Random(),
}
KINDS = typing.get_args(notes.Note)
FIELDS = {field.name: field for kind in KINDS for field in msgspec.structs.fields(kind)}


def test_every_part_has_words() -> None:
    assert set(_PARTS) == set(KINDS)


@pytest.mark.parametrize(
    ("name", "space"), [(name, space) for name in METHODS for space in SPACES if name != "parzen" or space == "tuning"]
)
def test_what_methods_write_is_in_the_table(name: str, space: str) -> None:
    """Each field is one of the table, has its type, and is read back; also from the text of the log."""
    drive = Drive(SPACES[space](), METHODS[name])
    drive.scatter(22, Key.of(1))
    for trial in drive.history.trials:
        text = codec.dumps(dict(trial.note))
        assert b"$" not in text
        again = codec.loads(text)
        assert again == dict(trial.note)
        parts = [part for part in (read(kind, again) for kind in KINDS) if part is not None]
        assert written(*parts) == again
        said = describe_note(trial.note)
        assert all(f"{field}:" not in said for field in FIELDS)
        if trial.note:
            assert said


def test_a_flat_mapping() -> None:
    note = written(ProposedBy("design"), QuasiPlace("tag", 0))
    assert note == {"by": "design", "quasi": "tag", "index": 0}
    assert read(QuasiPlace, note) == QuasiPlace("tag", 0)
    assert read(ProposedBy, note) == ProposedBy("design")
    assert read(SlotChild, note) is None
    assert written(StateOpening(3, -1, (2, 0))) == {"opened": 3, "before": -1, "told": [2, 0]}
    assert written(SlotChild(0)) == {"slot": 0}


@pytest.mark.parametrize("note", [{"quasi": 3, "index": 0}, {"quasi": "tag", "index": "x"}, {"index": 0}, {}])
def test_notes_of_other_methods_are_not_misread(note: dict[str, Any]) -> None:
    assert read(QuasiPlace, note) is None


def test_words() -> None:
    committee = written(ModelChoice("committee", "LogEI", ("standard", "log gap")))
    assert describe_note(committee) == (
        "several models together: the highest mean of their acquisition values; LogEI, losses scaled as standard, "
        "log gap"
    )
    assert describe_note({"by": "GP", "acquisition": "UCB"}) == "by GP; UCB"
    assert describe_note({"mine": 1, "by": "me"}) == "by me; mine: 1"
    assert describe_note({}) == ""


def test_notes_of_earlier_versions_are_put_into_words() -> None:
    """They held prose, and other names of the roles of models."""
    earlier = {"by": "doubter", "why": "every second …", "acquisition": "LogEI", "models": ["log gap"]}
    now = written(ModelChoice("short scale", "LogEI", ("log gap",)))
    assert describe_note(earlier) == describe_note(now)
    assert "elsewhere" in describe_note({**earlier, "by": "explorer"})
    assert describe_note({"by": "design", "why": "3 results so far", "defaults": True}) == (
        "one of the first trials, which fill the space; the defaults of the space"
    )
    assert "why: so" in describe_note({"by": "me", "why": "so"})
