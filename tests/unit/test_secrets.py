"""Passwords in the URLs of stores: nothing that shows a URL to a person shows them."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import estimator_html_repr

import luthier as lt
from luthier.cli.program import program
from luthier.errors import StoreError
from luthier.sklearn import BayesSearchCV, GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from luthier.store import Memory, open_store, register_store, without_passwords

SECRET = "hunter2"
URL = f"vault://ada:{SECRET}@localhost/tuning"


class Vault(Memory):
    """A store in memory that has a URL, and which closing leaves as it is."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    kept = Vault()
    monkeypatch.setattr("luthier.store.registry._registered", dict[str, Any]())
    register_store("vault", lambda url, *, must_exist: kept)
    yield kept


def searches() -> list[Any]:
    space, grid = {"C": lt.Float(0.1, 10)}, {"C": [1, 2]}
    made: list[Any] = [
        GridSearchCV(SVC(), grid, store=URL),
        RandomizedSearchCV(SVC(), space, store=URL),
        BayesSearchCV(SVC(), space, store=URL),
        HalvingGridSearchCV(SVC(), grid, store=URL),
        GridSearchCV(SVC(), grid).set_params(store=URL),
    ]
    return [*made, clone(made[0]), pickle.loads(pickle.dumps(made[0]))]


def test_a_search_shows_its_store_without_the_password() -> None:
    for search in searches():
        assert search.store == URL and isinstance(search.get_params()["store"], str)
        texts = [repr(search), str(search), search._repr_html_(), estimator_html_repr(search)]
        texts += [str(search.get_params()), str(vars(search)), str(search.__getstate__())]
        pipeline = make_pipeline(search)
        texts += [repr(pipeline), pipeline._repr_html_(), str(pipeline.get_params())]
        assert "ada:***@localhost" in texts[0]
        assert not [text for text in texts if SECRET in text]


def test_scikit_learn_clones_a_search_with_such_a_store() -> None:
    search = GridSearchCV(SVC(), {"C": [1, 2]}, store=URL)
    twin = clone(search)
    assert twin.store is search.store and clone(twin).store == URL
    plain = GridSearchCV(SVC(), {"C": [1, 2]}, store="study.db")
    assert type(plain.store) is str
    with pytest.raises(AttributeError, match="no attribute 'store'"):
        _ = GridSearchCV.__new__(GridSearchCV).store


def test_a_search_with_such_a_store_uses_it(vault: Vault) -> None:
    x, y = [[float(n % 7), float(n % 3)] for n in range(30)], [n % 2 for n in range(30)]
    GridSearchCV(SVC(), {"C": [1, 2]}, cv=3, store=URL).fit(x, y)
    assert len(vault.names()) == 1


@pytest.mark.parametrize(
    "line",
    [
        f'path = "postgresql://ada:{SECRET}@localhost/tuning',
        f"mysql://ada:{SECRET}@@host/x",
        f"jdbc://host/x?user=ada&password={SECRET}",
        f"mariadb://ada@host/x?ssl_key_password={SECRET}&charset=utf8mb4",
        f"mysql://ada@host/x?passwd={SECRET}",
        f"a://b:c@d and e://f:{SECRET}@g",
    ],
)
def test_a_cited_line_has_no_passwords(line: str) -> None:
    assert SECRET not in without_passwords(line)
    assert without_passwords("x = {float = [0, 1]}  # 10:30 @ noon") == "x = {float = [0, 1]}  # 10:30 @ noon"
    for path in ("runs/12:30@gpu.db", "/data/mysql/12:30@gpu.db", "mysql@12:30.db"):
        assert without_passwords(path) == path


STUDY = """
[study]
name = "s"
minimize = "loss"
[objective]
python = "objective:loss"
[space]
x = {float = [0, 1]}
[budget]
trials = 3
[store]
"""


def test_commands_show_no_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store(URL) as store, lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", store=store, seed=0) as study:
        study.tell(study.ask(), 1.0)
    (tmp_path / "good.toml").write_text(f'{STUDY}path = "{URL}"\n')
    (tmp_path / "torn.toml").write_text(f'{STUDY}path = "{URL}\n')
    (tmp_path / "list.toml").write_text(f'{STUDY}path = ["{URL}"]\n')
    (tmp_path / "more.toml").write_text(f'{STUDY}path = "{URL}"\nurl = "{URL}"\n')
    calls = [
        [name, place]
        for name in ("list", "best", "show", "doctor", "verify", "top", "export")
        for place in (URL, "good.toml", "torn.toml", "list.toml", "more.toml")
        if name != "list" or place != "torn.toml"
    ]
    calls += [["export", URL, "--out", URL], ["backup", URL, URL], ["best", URL, "--study", "t"]]
    calls += [["report", URL, "-o", URL], ["report", URL, "-o", "page.html"], ["best", URL.replace("vault", "safe")]]
    said = {}
    for call in calls:
        result = CliRunner().invoke(program, call)
        said[tuple(call)] = result.output + "".join(traceback.format_exception(*(result.exc_info or (None,) * 3)))
        assert SECRET not in said[tuple(call)], call
    assert "1 study" in said["list", URL] and "'x'" in said["best", "good.toml"]
    assert SECRET not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "place",
    [
        URL.replace("vault", "postgresql").replace("@", "@@"),
        f" {URL}",
        URL.replace("://", ":/"),
        URL.replace("://", "：//"),
        URL.replace("vault", "safe"),
        URL.replace("vault", "7"),
        URL.replace("vault:", "postgres"),
        URL.replace("vault://", "mysql:"),
        URL.replace("vault:", "mariadb;"),
        URL.replace("vault:/", "PostgreSQL+psycopg"),
    ],
)
def test_what_cannot_be_opened_is_named_without_its_password(place: str) -> None:
    with pytest.raises((StoreError, lt.errors.InvalidSetting)) as error:
        lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=place)
    assert SECRET not in "".join(traceback.format_exception(error.value))
    assert SECRET not in CliRunner().invoke(program, ["best", place], standalone_mode=False).output
