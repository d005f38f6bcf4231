"""How a store is named, and the store that fails on demand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
import luthier.store
from luthier.errors import InvalidSetting, MissingDependency, StoreError, StoreFull, StudyNotFound
from luthier.event import Told
from luthier.store import Memory, SQLite, Store, StoreFactory, back_up, open_store, register_store, registry
from luthier.store.path_checks import network, settle
from luthier.store.url_secrets import shown_place
from luthier.testing.faults import Crash, FaultyStore


def event(number: int) -> Told:
    return Told(number, 0, "done", {"loss": number / 8})


def test_none_is_a_new_store_in_memory() -> None:
    one, other = open_store(None), open_store()
    assert isinstance(one, Memory)
    one.append("a", [event(0)], 0)
    assert other.names() == ()


def test_a_store_is_given_back() -> None:
    for store in (Memory(), FaultyStore(Memory())):
        assert open_store(store) is store


def test_a_path_is_an_sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = tmp_path / "a.db"
    for where in (absolute, str(absolute), "a.db", "./a.db", "sqlite:///a.db", f"sqlite:///{absolute}", Path("a.db")):
        with open_store(where) as store:
            assert isinstance(store, SQLite)
            assert repr(store) == f"SQLite({str(absolute)!r})"
    assert [path.name for path in tmp_path.glob("*.db")] == ["a.db"]


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("runs/a.db", "runs/a.db"),
        ("runs/a.jsonl", "runs/a.jsonl"),
        ("sqlite:///runs/a.db", "runs/a.db"),
        (Path("runs/a.jsonl"), "runs/a.jsonl"),
        (None, "the store in memory"),
    ],
)
def test_messages_name_a_store_as_it_was_given(
    where: str | Path | None, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    with open_store(where) as store:
        with pytest.raises(StudyNotFound, match=f"no study 'b' in {shown}, which is empty"):
            store.read("b", 0)
        study = lt.Study("a", {"x": lt.Float(0, 1)}, minimize="loss", store=store)
        with pytest.raises(InvalidSetting, match=f"^{shown} has a study 'a' already"):
            study.copy(store)
        with pytest.raises(InvalidSetting, match=f"^{shown} has 1 studies already"):
            back_up(Memory(), store)
    with pytest.raises(StoreError, match=f"^{shown} was closed"):
        store.names()


def test_a_path_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_store("~/a.db"):
        assert (tmp_path / "a.db").exists()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("oracle://me:secret@host/db", "no store for URLs that begin with oracle://"),
        ("mysql+pymysql://me:secret@host/db", r"begin with mysql\+pymysql://"),
        ("http://host/", "begin with http://"),
        ("SQLITE:///a.db", "begin with SQLITE://"),
        ("sqlite://", "third slash"),
        ("sqlite://a.db", "third slash"),
        ("sqlite:///", "not a path"),
        ("sqlite:///a.db?timeout=3", "no options"),
        ("sqlite:///:memory:", "None to keep the study in memory"),
        (":memory:", "None to keep the study in memory"),
        ("file:study.db?mode=ro", "a file of a strange name"),
        ("sqlite:study.db", "a file of a strange name"),
        ("study.db?mode=ro", "a file of a strange name"),
        ("a.json", r"give 'a\.jsonl' for a file of JSON lines, or 'a\.db'"),
        ("b/a.CSV", r"give 'b/a\.db'; `luthier export`"),
        ("", "not a path"),
        ("  ", "not a path"),
        ("a\0b", "not a path"),
        (b"a.db", "is not a store"),
        (3, "3 is not a store: give a path such as 'study.db'"),
        (Memory, "is not a store"),
    ],
)
def test_what_is_no_store_is_said_to_be_none(where: Any, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message) as error:
        open_store(where)
    assert "secret" not in str(error.value)


def test_an_sqlite_file_may_have_any_name_once_it_is_there(tmp_path: Path) -> None:
    place = tmp_path / "a.json"
    open_store(f"sqlite:///{place}").close()
    with open_store(place) as store:
        assert type(store).__name__ == "SQLite" and not store.names()
    with pytest.raises(StoreError, match="there is no store"):
        open_store(tmp_path / "b.json", must_exist=True)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices in folders")
def test_a_pipe_or_a_device_is_no_place_for_a_store(tmp_path: Path) -> None:
    for name in ("pipe.db", "pipe.jsonl"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "null.jsonl").symlink_to("/dev/null")
    for place in ("/dev/null", "jsonl:////dev/null", *map(str, tmp_path.iterdir())):
        for must_exist in (False, True):
            with pytest.raises(InvalidSetting, match="pipe or a device"):
                open_store(place, must_exist=must_exist)
    assert not Path("/dev/null-journal").exists()


def test_refuses_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    share = str(tmp_path / "my share").replace(" ", "\\040")
    mounts.write_text(
        f"/dev/sda / ext4 rw 0 0\nserver:/x {share} nfs4 rw 0 0\nme@host: /far fuse.sshfs rw 0 0\nbroken\n"
    )
    (tmp_path / "my share").mkdir()
    assert network(tmp_path / "a.db", mounts) is None
    assert network(tmp_path / "my share" / "a.db", mounts) == "nfs4"
    assert network(tmp_path / "my share too", mounts) is None
    assert network(Path("/far/a.db"), mounts) == "fuse.sshfs"
    assert network(tmp_path / "a.db", tmp_path / "none") is None
    with pytest.raises(InvalidSetting, match=r"network file system \(nfs4\).*put it on a local disk"):
        settle(tmp_path / "my share" / "a.db", "SQLite file", mounts)


def test_package_exports_what_it_says() -> None:
    assert [getattr(luthier.store, name) for name in luthier.store.__all__] == [
        luthier.store.Deferring,
        luthier.store.Identifying,
        luthier.store.JSONLines,
        Memory,
        luthier.store.Queueing,
        luthier.store.Rereading,
        luthier.store.Restoring,
        SQLite,
        luthier.store.Snapshotting,
        Store,
        StoreFactory,
        luthier.store.StoreUpgrade,
        luthier.store.another,
        luthier.store.back_up,
        luthier.store.journal_mode,
        open_store,
        register_store,
        shown_place,
        luthier.store.sqlite_library,
        luthier.store.upgrade_store,
        luthier.store.without_passwords,
    ]
    with pytest.raises(AttributeError, match="no attribute 'Postgres'"):
        _ = luthier.store.Postgres


def test_sqlite_is_loaded_when_it_is_needed() -> None:
    code = (
        "import sys, luthier.store; assert 'sqlite3' not in sys.modules; "
        "luthier.store.SQLite; assert 'sqlite3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- stores of third parties -------------------------------------------------------------------------

_THIRD_PARTY = """
from luthier.store import Memory
from luthier.store import SQLite
class Boxed(SQLite):
    pass
def open_box(url, *, must_exist):
    return Boxed(url.removeprefix("box://"), must_exist=must_exist)
"""


@pytest.fixture
def scheme(monkeypatch: pytest.MonkeyPatch) -> str:
    """A scheme of which no store is known, neither before nor after."""
    monkeypatch.setattr(registry, "_registered", {})
    return "box"


def test_a_registered_store_is_opened_by_its_url_and_a_study_in_it_read_back(scheme: str, tmp_path: Path) -> None:
    asked: list[tuple[str, bool]] = []

    def factory(url: str, *, must_exist: bool) -> Store:
        asked.append((url, must_exist))
        return SQLite(url.removeprefix("box://"), must_exist=must_exist)

    url = f"box://{tmp_path}/a.db"
    with pytest.raises(InvalidSetting, match=r"no store for URLs that begin with box://, but for .*sqlite"):
        open_store(url)
    register_store(scheme, factory)
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", store=url, method=lt.Random(), seed=1) as study:
        study.tell(study.ask(), 0.5)
    with lt.Study("s", store=url) as study:
        assert study.best_value == 0.5
    with open_store(url, must_exist=True) as store:
        assert store.names() == ("s",)
    assert asked == [(url, False), (url, True), (url, True)]


def test_an_installed_package_is_found_by_its_entry_point(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "boxes.py").write_text(_THIRD_PARTY)
    info = tmp_path / "boxes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: boxes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[luthier.stores]\nbox = boxes:open_box\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from luthier.store import open_store; "
        "store = open_store(f'box://{sys.argv[1]}/a.db'); assert type(store).__name__ == 'Boxed', store"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert (tmp_path / "a.db").exists()


@pytest.mark.parametrize("name", ["", "x", "Box", "a b", "9p", "box://", 3, None])
def test_what_cannot_be_a_scheme_is_refused(scheme: str, name: Any) -> None:
    with pytest.raises(InvalidSetting, match="not the scheme of a URL"):
        register_store(name, lambda url, *, must_exist: Memory())


def test_a_scheme_of_luthiers_own_and_what_opens_nothing_are_refused(scheme: str) -> None:
    with pytest.raises(InvalidSetting, match="Luthier's own"):
        register_store("sqlite", lambda url, *, must_exist: Memory())
    with pytest.raises(InvalidSetting, match="opened by a function"):
        register_store(scheme, Memory())  # type: ignore[arg-type]
    register_store(scheme, lambda url, *, must_exist: 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(InvalidSetting, match=r"gave int, not a store: it lacks .*renew") as error:
        open_store("box://secret")
    assert "secret" not in str(error.value)


# --- faults ------------------------------------------------------------------------------------------


def test_a_crash_before_an_append_leaves_nothing() -> None:
    store = FaultyStore(Memory())
    store.fail(2)
    store.append("a", [event(0)], 0)
    with pytest.raises(Crash):
        store.append("a", [event(1)], 1)
    assert store.length("a") == 1
    assert store.append("a", [event(1)], 1) == 2
    assert store.appends == 3


def test_a_crash_after_an_append_leaves_everything() -> None:
    store = FaultyStore(Memory())
    store.fail_next(after=True)
    with pytest.raises(Crash):
        store.append("a", [event(0), event(1)], 0)
    assert store.length("a") == 2


def test_a_fault_is_the_error_that_was_asked_for() -> None:
    store = FaultyStore(Memory())
    store.fail(1, StoreFull("no space is left"))
    with pytest.raises(StoreFull, match="no space"):
        store.append("a", [event(0)], 0)
    assert not issubclass(Crash, Exception)
    assert repr(store) == "FaultyStore(Memory())"


@pytest.mark.parametrize(
    "where", ["x" * 5000 + ".db", "~nobody-of-this-name/s.db", "loop.db", "f/s.db", "a/" * 3000 + "s.db"]
)
def test_what_cannot_be_a_path_is_refused_with_the_reason(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.db").symlink_to("loop.db")
    (tmp_path / "f").touch()
    for must_exist in (False, True):
        with pytest.raises(InvalidSetting, match=r"cannot be there|no folder"):
            open_store(where, must_exist=must_exist)


def test_a_folder_that_is_closed_and_a_file_that_cannot_be_read_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(self: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", closed)
    with pytest.raises(InvalidSetting, match="cannot be there: Permission denied"):
        open_store(tmp_path / "s.db")


def test_the_folder_that_one_is_in_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InvalidSetting, match="cannot be there"):
        open_store("s.db")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://ada:lovelace@host/tuning", "postgresql://ada:***@host/tuning"),
        ("postgresql://ada@host:5432/tuning", "postgresql://ada@host:5432/tuning"),
        ("postgresql://ada:love/l?ce@host/tuning?sslmode=require", "postgresql://ada:***@host/tuning?sslmode=require"),
        ("postgresql://ada:l@ce@host/db", "postgresql://ada:***@host/db"),
        ("postgresql://host/db?user=ada&password=lovelace", "postgresql://host/db?user=***&password=***"),
        ("postgresql://ada:lovelace", "postgresql://ada:***"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("mysql://ada:lovelace@host/db?ssl_key=x", "mysql://ada:***@host/db?ssl_key=***"),
        ("mariadb://ada:love@l/ce@host:3306/db", "mariadb://ada:***@host:3306/db"),
        ("mariadb://ada:a%40b@[::1]:3306/db?charset=utf8mb4", "mariadb://ada:***@[::1]:3306/db?charset=utf8mb4"),
        ("mariadb:///db?unix_socket=/s&passwd=x", "mariadb:///db?unix_socket=/s&passwd=***"),
        ("mysql://host/db?ssl_key_password=x&init_command=y", "mysql://host/db?ssl_key_password=***&init_command=***"),
        ("studies.db", "studies.db"),
        (Path("a@b:c.db"), "a@b:c.db"),
    ],
)
def test_a_url_is_shown_without_its_secrets(given: str | Path, shown: str) -> None:
    assert shown_place(given) == shown


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_a_store_on_a_server_says_which_extra_it_needs(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingDependency, match=r"pip install 'luthier\[(postgres|mysql)\]'") as caught:
        open_store(f"{scheme}://ada:lovelace@host/db")
    assert "lovelace" not in str(caught.value)


@pytest.mark.parametrize("option", ["ssl=1", "charset=nothing", "foo=1", "port=7"])
def test_options_that_a_driver_cannot_take_are_refused_with_what_to_check(option: str) -> None:
    with pytest.raises(StoreError, match="options in the URL") as caught:
        open_store(f"mysql://ada:lovelace@127.0.0.1:1/db?{option}")
    assert "lovelace" not in str(caught.value)
