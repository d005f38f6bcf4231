"""Stores on real database servers that fail: killed workers, restarts, lost answers, wrong clocks, wrong URLs."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from answer_dropping_proxy import AnswerDroppingProxy
from click.testing import CliRunner
from crowd_of_writers import NAME, Crowd, ended, forked, killed_at_random, opening_of, study_in

import luthier as lt
from databases import DatabaseServer
from luthier.cli.program import program
from luthier.errors import (
    Conflict,
    InvalidSetting,
    LeaseLost,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
)
from luthier.event import Asked, Told
from luthier.store import Store, back_up, open_store, upgrade_store
from luthier.store.sql import server_store
from luthier.store.sql.server_link import ServerLink
from luthier.store.sql.server_store import ServerStore
from luthier.store.sql.server_upgrade import upgrade_tables
from luthier.study.workers import lease_owner
from luthier.testing.sample_events import EVENTS

pytestmark = pytest.mark.slow
SECRET = "gr4v1ty"


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    found: DatabaseServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def url(server: DatabaseServer, tmp_path: Path) -> str:
    return server.url(f"e{abs(hash(str(tmp_path))) % 10**12}")


def told(number: int) -> Told:
    return Told(number, 0, "done", {"loss": number / 3})


def person(server: DatabaseServer, rights: bool = True) -> tuple[str, str]:
    """Make a user with a password, with the right to make tables or without any; gives name and database."""
    name = f"ada{int(rights)}"
    place = f"of_{name}"
    server.url(place)
    if server.kind == "postgresql":
        if not server.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
            server.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
        server.sql(f"GRANT USAGE{', CREATE' * rights} ON SCHEMA {place} TO {name}", database="luthier")
    else:
        server.sql(f"CREATE USER IF NOT EXISTS '{name}'@'127.0.0.1' IDENTIFIED BY '{SECRET}'")
        server.sql(f"GRANT {'ALL' if rights else 'SELECT'} ON `{place}`.* TO '{name}'@'127.0.0.1'")
    return name, place


# --- workers die ----------------------------------------------------------------------------------


def test_killed_workers_lose_nothing_and_others_finish(url: str, tmp_path: Path) -> None:
    crowd = killed_at_random(opening_of(url), tmp_path, kills=8, trials=150)
    said, stored = crowd.check()
    assert stored - said <= 8 + 4  # each that was killed may have stored one that it could not yet say


def test_eight_processes_begin_one_study_at_once(url: str, tmp_path: Path) -> None:
    crowd = Crowd(opening_of(url), tmp_path, trials=40)
    crowd.grow(8)
    crowd.finish()
    crowd.check()


# --- the server fails -----------------------------------------------------------------------------


def test_a_run_goes_on_after_the_server_failed_and_came_back(server: DatabaseServer, url: str, tmp_path: Path) -> None:
    crowd = Crowd(opening_of(url), tmp_path, trials=80, pause_s=0.05)
    crowd.grow(2)
    for _ in range(2):
        time.sleep(0.7)
        server.restart(immediate=True, away_s=0.5)
    crowd.finish()
    crowd.check()


def test_a_run_goes_on_after_its_connections_were_ended(server: DatabaseServer, url: str, tmp_path: Path) -> None:
    crowd = Crowd(opening_of(url), tmp_path, trials=60, pause_s=0.03)
    crowd.grow(2)
    generator, terminated = random.Random(0), 0
    for _ in range(12):
        time.sleep(generator.uniform(0.02, 0.2))
        terminated += server.terminate_clients()
    crowd.finish()
    crowd.check()
    assert terminated > 5


def test_waits_for_a_server_that_is_away_and_says_so(
    server: DatabaseServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(url) as store, caplog.at_level(logging.WARNING, "luthier"):
        store.append("a", [told(0)], 0)
        server.stop()
        starting = threading.Timer(1.0, server.start)
        starting.start()
        assert store.append("a", [told(1)], 1) == 2
        starting.join()
    said = [record.getMessage() for record in caplog.records if record.name == "luthier.store.sql.server_link"]
    assert [text.count("does not answer") + 2 * text.count("answers again") for text in said] == [1, 2]


def test_gives_up_on_a_server_that_stays_away(server: DatabaseServer, url: str) -> None:
    with ServerStore(url, patience_s=0.5) as store:
        store.append("a", [told(0)], 0)
        server.stop()
        try:
            with pytest.raises(StoreError, match=r"did not answer for 0\.5 s .* go on"):
                store.append("a", [told(1)], 1)
        finally:
            server.start()
        assert store.append("a", [told(1)], 1) == 2


FORGETFUL = """
import gc, sys
from luthier.store import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
del store
gc.collect()
"""


def test_a_store_that_is_forgotten_says_nothing_of_a_server_that_is_away(
    server: DatabaseServer, url: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", FORGETFUL, url]
    with (
        (tmp_path / "said").open("w+") as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        server.stop(immediate=True)
        try:
            process.communicate("\n", timeout=60)
        finally:
            server.start()
    assert process.returncode == 0
    assert "Traceback" not in (tmp_path / "said").read_text()


def test_a_wait_ends_when_the_store_is_closed(server: DatabaseServer, url: str) -> None:
    store = open_store(url)
    server.stop()
    try:
        closing = threading.Timer(0.5, store.close)
        closing.start()
        with pytest.raises(StoreError, match="was closed"):
            store.names()
        closing.join()
    finally:
        server.start()


@pytest.mark.parametrize("before", [False, True], ids=["the answer is lost", "the commit is lost"])
def test_finds_out_what_became_of_a_commit(server: DatabaseServer, before: bool, tmp_path: Path) -> None:
    name, place = person(server)
    direct = server.url(place, name, SECRET, tcp=True)
    with AnswerDroppingProxy(server.port) as proxy:
        store = open_store(direct.replace(f":{server.port}", f":{proxy.port}"))
        study = f"s{before}"
        proxy.before = before
        with store:
            for act in range(3):
                proxy.armed = True
                assert store.append(study, [told(act), told(act)], 2 * act) == 2 * act + 2
            proxy.armed = True
            store.restore(f"{study} again", store.read(study))  # type: ignore[attr-defined]
            with pytest.raises(Conflict):  # an event that looks the same, by another one's hand
                store.append(study, [told(0), told(0)], 0)
            assert [record.event for record in store.read(study)] == [told(act) for act in (0, 0, 1, 1, 2, 2)]
            assert store.read(f"{study} again") == store.read(study)
            proxy.armed = True
            store.delete(f"{study} again")
            assert store.names() == (study,) and store.check() == ()
            store.delete(study)
        assert proxy.dropped == 5


def test_tries_again_what_was_rolled_back_for_another(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serialization failures, deadlocks and locks that took too long, as the drivers report them."""
    with open_store(url) as store:
        store.append("a", [told(0)], 0)
        codes = ["40001", "40P01", "55P03"] if url.startswith("postgres") else [1213, 1205, 1213]
        tell, failures = ServerLink.command, list(codes)

        def failing(self: ServerLink, text: str) -> list[Any]:
            if text == "COMMIT" and failures:
                raise database_error(url, failures.pop())
            return tell(self, text)

        monkeypatch.setattr(ServerLink, "command", failing)
        assert store.append("a", [told(1)], 1) == 2
        assert failures == [] and store.length("a") == 2
        monkeypatch.setattr(server_store, "_CONTENTION_S", 0.1)
        failures.extend(codes * 1000)
        with pytest.raises(StoreBusy, match="nothing was done"):
            store.append("a", [told(2)], 2)
        failures[:] = ["53100" if url.startswith("postgres") else 1021]
        with pytest.raises(StoreFull, match="no space is left on the server"):
            store.append("a", [told(2)], 2)
        assert store.append("a", [told(2)], 2) == 3


def database_error(url: str, code: Any) -> Exception:
    """Make an error as SQLAlchemy wraps it."""
    from sqlalchemy.exc import OperationalError

    if url.startswith("postgres"):
        import psycopg

        return OperationalError("COMMIT", None, psycopg.errors.lookup(code)("no"))
    import pymysql

    return OperationalError("COMMIT", None, pymysql.err.OperationalError(code, "no"))


# --- leases ---------------------------------------------------------------------------------------


class Meeting:
    """A store whose appends wait for those of all others, from the first one that begins a trial on."""

    def __init__(self, store: Store, barrier: threading.Barrier) -> None:
        self.store, self.barrier, self.met = store, barrier, False

    def append(self, study: str, events: Any, expect: int) -> int:
        if not self.met and any(type(event).__name__ in ("Asked", "Retried") for event in events):
            self.met = True
            self.barrier.wait(30)
        return self.store.append(study, events, expect)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def __enter__(self) -> Meeting:
        return self

    def __exit__(self, *error: object) -> None:
        self.store.close()


def test_a_trial_that_waits_goes_to_one_of_all_who_reach_for_it(url: str) -> None:
    size = 6
    with open_store(url) as store, study_in(store) as study:
        study.ask()
    barrier, got = threading.Barrier(size), []

    def reach() -> None:
        with Meeting(open_store(url), barrier) as store, study_in(store) as study:  # type: ignore[arg-type]
            trial = study.ask()
            got.append(trial.number)
            study.tell(trial, 0.5)

    threads = [threading.Thread(target=reach) for _ in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(size))
    with open_store(url) as store:
        kinds = Counter(type(record.event).__name__ for record in store.read(NAME))
        assert (kinds["Retried"], kinds["Told"]) == (1, size)


@pytest.mark.parametrize("wrong_s", [3600.0, -3600.0])
def test_a_clock_that_is_wrong_by_an_hour_changes_nothing(url: str, wrong_s: float, tmp_path: Path) -> None:
    """Neither does its worker lose its trial, nor does it take those of others."""
    begin = time.time()
    with open_store(url) as store, study_in(store) as study:
        mine = study.ask(lease_s=60)

        def elsewhere() -> None:
            right = time.time
            time.time = lambda: right() + wrong_s  # type: ignore[method-assign]
            lease_owner._host = lambda: "elsewhere"  # type: ignore[assignment]
            with open_store(url) as store, study_in(store) as study:
                trial = study.ask(lease_s=60)
                assert trial.number == 1
                (tmp_path / "asked").touch()
                while not (tmp_path / "looked").exists():
                    time.sleep(0.01)
                study.tell(trial, 0.25)

        worker = forked(elsewhere)
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)
        other = study.ask()
        assert other.number == 2  # not that of the worker, whose lease holds
        (tmp_path / "looked").touch()
        assert ended(worker) == 0
        study.tell(mine, 0.5)
        study.tell(other, 0.75)
        assert [trial.value for trial in study.trials] == [0.5, 0.25, 0.75]
        stamps = [record.at for record in store.read(NAME)]
        assert begin - 1 <= stamps[0] and stamps == sorted(stamps) and stamps[-1] <= time.time() + 1


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_refused(url: str) -> None:
    with open_store(url) as one, study_in(one) as study, open_store(url) as other, study_in(other) as successor:
        late = study.ask(lease_s=0.2)
        study._asking._heartbeat.close()  # it is alive, but cut off
        time.sleep(0.4)
        lease_owner._host.cache_clear()
        taken = next(trial for trial in iter(successor.ask, None) if trial.number == late.number)
        successor.tell(taken, 1.0)
        with pytest.raises((LeaseLost, lt.errors.TrialFinished)):
            study.tell(late, 2.0)
        assert study.trials[late.number].value == 1.0


# --- what a person gets wrong ---------------------------------------------------------------------


def test_says_what_is_wrong_with_a_url_and_never_repeats_a_password(
    server: DatabaseServer, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    name, place = person(server)
    good = server.url(place, name, SECRET, tcp=True)
    base, mark, options = good.partition("?")
    root = base.rpartition("/")[0]
    wrong = {
        good.replace(SECRET, f"{SECRET}2"): "check user, password",
        good.replace(name, "nobody"): "check user, password",
        good.replace(f":{server.port}", ":1"): "cannot be reached .* whether the server is running",
        good.replace("127.0.0.1", "no-such-host.invalid"): "cannot be",
        f"{root}/nothing{mark}{options}": "check user, password, database",
        root: "names no database",
        good.replace(SECRET, f"{SECRET}@{SECRET}"): "has an '@' in the password: write it as %40",
        f"{root}/": "names no database",
        f"{good}{'&' if mark else '?'}no_such_option={SECRET}": "option",
        good.replace(f":{server.port}", ":port"): "is not the URL of a database",
    }
    with caplog.at_level(logging.DEBUG):
        for url, words in wrong.items():
            start = time.monotonic()
            with pytest.raises((StoreError, InvalidSetting), match=words) as caught:
                open_store(url)
            assert time.monotonic() - start < 20
            everything, error = "", caught.value
            while error is not None:
                everything += f"{error!r} {error}"
                error = error.__cause__  # type: ignore[assignment]
            assert SECRET not in everything
        with open_store(good) as store, study_in(store) as study:
            assert SECRET not in repr(store)
            study.run(lambda trial: 0.5, trials=2, progress=True)
            with pytest.raises(InvalidSetting) as no_folder:
                study.folder(0)
            assert SECRET not in str(no_folder.value)
            assert all(SECRET not in repr(record) for record in store.read(NAME))
            store.delete(NAME)
    printed = capsys.readouterr()
    assert SECRET not in caplog.text + printed.out + printed.err


def test_refuses_a_database_without_the_right_to_make_tables(server: DatabaseServer) -> None:
    name, place = person(server, rights=False)
    limited = server.url(place, name, SECRET, tcp=True)
    with pytest.raises(StoreReadOnly, match="create tables"):
        open_store(limited)
    with pytest.raises(StoreError, match="there is no store of Luthier's"):
        open_store(limited, must_exist=True)
    with open_store(server.url(place)) as store:
        store.append("a", EVENTS, 0)
    if server.kind == "postgresql":
        server.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {place} TO {name}", database="luthier")
    with open_store(limited) as store:  # what can be read is read
        assert store.length("a") == len(EVENTS)
        with pytest.raises(StoreReadOnly, match="select, insert, update and delete"):
            store.append("a", [told(0)], len(EVENTS))


def test_refuses_tables_of_another_version(server: DatabaseServer, url: str) -> None:
    with open_store(url) as store:
        store.append("a", [told(0)], 0)
    for schema, error, words in ((99, StoreTooNew, "made by a newer Luthier"), (0, StoreTooOld, "luthier upgrade")):
        change(server, url, f"UPDATE luthier_schema SET version = {schema}")
        with pytest.raises(error, match=words):
            open_store(url)
    change(server, url, "UPDATE luthier_schema SET version = 2")
    with open_store(url, must_exist=True) as store:
        assert store.length("a") == 1


def test_tables_of_the_first_schema_do_without_snapshots_until_they_are_upgraded(
    server: DatabaseServer, url: str
) -> None:
    with open_store(url) as store:
        store.append("a", [told(i) for i in range(3)], 0)
    change(server, url, "DROP TABLE luthier_snapshots")
    change(server, url, "UPDATE luthier_schema SET version = 1")
    with open_store(url) as store:
        assert isinstance(store, ServerStore)
        number = store.identify("a")[0]
        store.keep_snapshot(number, b"snapshot")
        assert store.snapshot("a") is None and store.log_sum(number, 3) is None
        store.append("b", [told(0)], 0)
        store.delete("b")
        assert store.check() == () and store.names() == ("a",)
    before, after, backup = upgrade_store(url)
    assert (before, after) == (1, 2) and "luthier_events_schema1" in backup
    with open_store(url) as store:
        assert isinstance(store, ServerStore)
        store.keep_snapshot(number, b"snapshot")
        assert store.snapshot("a") == (number, b"snapshot") and store.log_sum(number, 3) is not None
        assert len(store.read("a")) == 3


def test_finds_damage(server: DatabaseServer, url: str) -> None:
    with open_store(url) as store:
        store.append("a", [told(i) for i in range(4)], 0)
        store.append("b", [told(i) for i in range(2)], 0)
        change(server, url, "UPDATE luthier_events SET at = at + 1 WHERE position = 1 AND study = 1")
        change(server, url, "DELETE FROM luthier_events WHERE position = 1 AND study = 2")
        row = "9, 0, at, checksum, body, mark FROM luthier_events WHERE study = 2 AND position = 0"
        change(server, url, f"INSERT INTO luthier_events SELECT {row}")
        found = store.check()
        assert [line.partition(":")[0] for line in found] == [
            "study 1",
            "study 2 (b) has 1 of its 2 events",
            "there are events of study 9, but no such study",
        ]
        with pytest.raises(lt.errors.StoreCorrupt, match="event 1 is damaged"):
            store.read("a")
        with pytest.raises(lt.errors.StoreCorrupt, match="1 events where there should be 2"):
            store.read("b")


def change(server: DatabaseServer, url: str, statement: str) -> None:
    """Do something to the tables of a store, behind its back."""
    if server.kind == "postgresql":
        schema = url.partition("search_path%3D")[2].partition("&")[0]
        server.sql(f"SET search_path TO {schema}; {statement}", database="luthier")
    else:
        server.sql(
            statement, database=url.rpartition("/")[2] if "?" not in url else url.split("?")[0].rpartition("/")[2]
        )


def test_a_log_says_nothing_of_who_may_open_it(url: str) -> None:
    with open_store(url) as store, study_in(store) as study:
        study.tell(study.ask(), 0.5)
        asked = [record.event for record in store.read(NAME) if isinstance(record.event, Asked)]
        assert asked[0].owner and "://" not in asked[0].owner


def test_an_upgrade_goes_step_by_step_and_keeps_what_was_there(server: DatabaseServer, url: str) -> None:
    with open_store(url) as store:
        store.append("a", [told(i) for i in range(3)], 0)
    assert upgrade_store(url) == (2, 2, "")
    steps = {2: ("CREATE TABLE luthier_more (x INTEGER)",), 3: ("UPDATE luthier_studies SET latest = 5",)}
    before, after, backup = upgrade_tables(url, steps, 4)
    assert (before, after) == (2, 4) and "luthier_events_schema2" in backup
    with pytest.raises(StoreTooNew):
        open_store(url)
    with pytest.raises(StoreTooNew):
        upgrade_store(url)
    change(server, url, "UPDATE luthier_schema SET version = 0")
    with pytest.raises(StoreTooOld, match="no way from 0 to 1"):
        upgrade_store(url)


def test_copies_go_from_any_store_to_any_other(server: DatabaseServer, url: str, tmp_path: Path) -> None:
    with open_store(url) as store, study_in(store) as study:
        study.run(lambda trial: trial["x"], trials=5)
        store.append("odd", EVENTS, 0)
        with open_store(tmp_path / "a.jsonl") as lines, open_store(tmp_path / "b.db") as file:
            assert back_up(store, lines) == back_up(lines, file)
            for name in store.names():
                store.delete(name)
            assert list(back_up(file, store)) == [NAME, "odd"]
            assert store.read(NAME) == lines.read(NAME) and store.read("odd") == lines.read("odd")
    place = tmp_path / "c.db"
    done = CliRunner().invoke(program, ["copy", url, str(place), "--study", NAME])
    assert done.exit_code == 0, done.output
    back = CliRunner().invoke(program, ["copy", str(place), url, "--as", "again"])
    assert back.exit_code == 0, back.output
    with open_store(url) as store:
        assert store.read("again") == store.read(NAME)


def test_a_worker_that_starts_just_as_the_server_does_waits_for_it(server: DatabaseServer, url: str) -> None:
    with open_store(url) as store:
        store.append("a", [told(0)], 0)
    server.stop(immediate=True)
    starting = threading.Timer(0.5, server.start)
    starting.start()
    with open_store(url) as store:
        assert store.length("a") == 1
    starting.join()


def test_turns_go_from_one_to_the_next_and_nobody_waits_for_ever(url: str) -> None:
    with ServerStore(url) as one, ServerStore(url) as other:
        order = []
        with one.turn("a"):
            with other.turn("b"):  # of another study
                order.append("b")

            def wait() -> None:
                with other.turn("a"):
                    order.append("other")

            waiting = threading.Thread(target=wait)
            waiting.start()
            time.sleep(0.3)
            order.append("one")
        waiting.join()
        assert order == ["b", "one", "other"]
        with one.turn("a"):
            with other.turn("a"):  # one.turn takes too long, and is passed over
                order.append("over")
            assert other.append("a", [told(0)], 0) == 1
        with one.turn("a"), other.turn("c"):
            pass


def test_many_workers_of_one_study_take_turns(url: str, tmp_path: Path) -> None:
    crowd = Crowd(opening_of(url), tmp_path, trials=60)
    crowd.grow(10)
    crowd.finish()
    crowd.check()
    with open_store(url) as store:
        owners = Counter(event.owner for event in (r.event for r in store.read(NAME)) if isinstance(event, Asked))
    assert len(owners) > 1
