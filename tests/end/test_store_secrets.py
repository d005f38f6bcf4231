"""Passwords of database servers: no command, log, error, event or estimator shows one, whatever goes wrong."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner
from sklearn.svm import SVC

import luthier as lt
from databases import DatabaseServer
from luthier.cli.program import program
from luthier.errors import LuthierError
from luthier.sklearn import GridSearchCV
from luthier.store import open_store

pytestmark = pytest.mark.slow

SECRET = "gr4v1ty"
STUDY = (
    '[study]\nname = "s"\nminimize = "loss"\n[objective]\npython = "objective:loss"\n[space]\nx = {float = [0, 1]}\n'
)


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a user with a password; ``mysql://`` is another word for the server of MariaDB."""
    kind = request.param
    server: DatabaseServer = request.getfixturevalue("mariadb" if kind == "mysql" else kind)
    name, place = f"eve_{kind}", f"of_eve_{kind}"
    server.url(place)
    if server.kind == "postgresql":
        if not server.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
            server.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
        server.sql(f"GRANT USAGE, CREATE ON SCHEMA {place} TO {name}", database="luthier")
    else:
        server.sql(f"CREATE USER IF NOT EXISTS '{name}'@'127.0.0.1' IDENTIFIED BY '{SECRET}'")
        server.sql(f"GRANT ALL ON `{place}`.* TO '{name}'@'127.0.0.1'")
    found = server.url(place, name, SECRET, tcp=True)
    return found.replace("mariadb://", f"{kind}://")


def emptied(url: str) -> None:
    with open_store(url) as store:
        for name in store.names():
            store.delete(name)


def all_of(error: BaseException | None) -> str:
    """Give everything that an error says, with what it came from, and with the arguments of each."""
    text = "".join(traceback.format_exception(error)) if error is not None else ""
    while error is not None:
        text += f"{error!r} {error.args!r}"
        error = error.__cause__ or error.__context__
    return text


def test_no_command_shows_a_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store(url) as store, lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", store=store, seed=0) as study:
        study.tell(study.ask(), 1.0)
        study.tell(study.ask(), failed=f"could not write to {tmp_path}")
        texts = [repr(store), repr(study), repr(study.trials), *map(repr, store.read("s"))]
    Path("objective.py").write_text("def loss(trial):\n    return trial['x']\n")
    Path("good.toml").write_text(f'{STUDY}[budget]\ntrials = 4\n[store]\npath = "{url}"\n')
    Path("torn.toml").write_text(f'{STUDY}[budget]\ntrials = 4\n[store]\npath = "{url}\n')
    wrong = url.replace(SECRET, f"{SECRET}2")
    names = ("list", "best", "show", "doctor", "verify", "top", "export", "importance")
    calls = [[name, place] for name in names for place in (url, wrong, "good.toml", "torn.toml")]
    calls += [["run", "good.toml"], ["run", "torn.toml"], ["copy", url, "copy.db"], ["copy", "copy.db", wrong]]
    calls += [["report", url, "-o", "page.html"], ["upgrade", url], ["backup", url, url], ["best", url, "--study", "t"]]
    with caplog.at_level(logging.DEBUG):
        for call in calls:
            result = CliRunner().invoke(program, call)
            texts.append(result.output + all_of(result.exc_info[1] if result.exc_info else None))
            assert SECRET not in texts[-1], call
    assert "1 study" in CliRunner().invoke(program, ["list", url]).output
    assert not [text for text in (*texts, caplog.text, Path("page.html").read_text()) if SECRET in text]


def test_no_error_or_estimator_shows_a_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    mark = "&" if "?" in url else "?"
    odd = [f"{url}{mark}ssl_key_password={SECRET}", f"{url}{mark}passwd={SECRET}", f"{url}{mark}sslpassword={SECRET}"]
    broken = [
        url.replace(SECRET, f"{SECRET}2"),
        url.replace("@", f"/{SECRET}@@"),
        url.replace("127.0.0.1", "no-such-host.invalid"),
        f" {url}",
    ]
    with caplog.at_level(logging.DEBUG):
        for place in broken:
            with pytest.raises(LuthierError) as caught:
                open_store(place)
            assert SECRET not in all_of(caught.value), place
        for place in odd:  # some drivers know the option, and some do not
            try:
                with open_store(place) as store:
                    assert SECRET not in repr(store)
            except LuthierError as error:
                assert SECRET not in all_of(error), place
        emptied(url)
        search = GridSearchCV(SVC(), {"C": [1, 2]}, cv=2, store=url)
        search.fit([[0.0], [1.0], [0.1], [0.9]], [0, 1, 0, 1])
        texts = [repr(search), str(search.get_params()), search._repr_html_(), str(vars(search))]
        assert pickle.loads(pickle.dumps(search)).get_params()["store"] == url
        with open_store(url) as store:
            texts += [repr(record) for name in store.names() for record in store.read(name)]
    assert not [text for text in (*texts, caplog.text) if SECRET in text]
