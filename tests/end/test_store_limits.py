"""SQLite stores on real disks that are full or read-only, and in processes that fork."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from luthier.errors import StoreError, StoreFull, StoreReadOnly
from luthier.event import Told
from luthier.store import SQLite

NOBODY = 65534


def event(number: int, text: str = "") -> Told:
    return Told(number, 0, "done", {"loss": number / 8}, error=text)


def in_child(work: Callable[[], None]) -> None:
    """Do `work` in a forked process, and fail where it fails."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - nothing may leave this process but its exit code
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def without_privileges(work: Callable[[], None]) -> None:
    """Do `work` as somebody whom the permissions of files bind: root drops its rights in a forked process."""

    def drop_and_work() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    in_child(drop_and_work)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter (tmp_path is its owner's alone)."""
    path = Path(tempfile.mkdtemp(prefix="luthier-limits-"))
    path.chmod(0o777)
    yield path
    path.chmod(0o777)
    shutil.rmtree(path)


# --- read-only ---------------------------------------------------------------------------------------


def test_a_read_only_folder_takes_no_new_file(folder: Path) -> None:
    folder.chmod(0o555)

    def work() -> None:
        with pytest.raises(StoreReadOnly, match=r"no file can be made in .*read-only"):
            SQLite(folder / "s.db")
        assert list(folder.iterdir()) == []

    without_privileges(work)


@pytest.mark.parametrize("mode", ["persist", "wal"])
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o777, 0o444), (0o555, 0o666)])
def test_a_read_only_file_can_be_read(
    folder: Path, folder_mode: int, file_mode: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: mode)
    place = folder / "s.db"
    with SQLite(place) as store:
        store.append("a", [event(0)], 0)
    for rest in folder.glob("s.db-*"):
        rest.unlink()
    place.chmod(file_mode)
    folder.chmod(folder_mode)

    def work() -> None:
        if mode == "wal" and folder_mode == 0o555:  # even a reader needs a file beside it
            with pytest.raises(StoreReadOnly, match="copy the file to where you may write"):
                SQLite(place)
            return
        with SQLite(place) as store:
            assert [record.event for record in store.read("a")] == [event(0)]
            assert store.check() == ()
            with pytest.raises(StoreReadOnly, match=r"cannot be written.*copy the file to where you may write"):
                store.append("a", [event(1)], 1)
            with pytest.raises(StoreReadOnly):
                store.delete("a")
            assert store.length("a") == 1

    without_privileges(work)


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    place = folder / "s.db"
    SQLite(place).close()
    place.chmod(0)

    def work() -> None:
        with pytest.raises(StoreError, match=r"s\.db"):
            SQLite(place)

    without_privileges(work)


# --- a full disk -------------------------------------------------------------------------------------

_FULL = """
import contextlib
import sys
from pathlib import Path
from luthier.errors import StoreFull
from luthier.event import Told
from luthier.store import SQLite

place = Path(sys.argv[1]) / "s.db"
store = SQLite(place)
length = 0
try:
    while True:
        length = store.append("a", [Told(length, 0, "done", error="x" * 500)], length)
except StoreFull as error:
    assert "no space is left" in str(error), error
assert 10 < length < 2000, length  # in WAL mode the disk has each page twice
assert len(store.read("a")) == store.length("a") == length
assert store.check() == ()
with contextlib.suppress(OSError), (place.parent / "rest").open("wb", buffering=0) as rest:
    while True:
        rest.write(bytes(1024))
try:
    SQLite(place.with_name("other.db"))
except StoreFull:
    pass
else:
    raise AssertionError("a second store found space")
(Path(sys.argv[1]) / "ballast").unlink()
assert store.append("a", [Told(length, 0, "done")], length) == length + 1
store.close()
with SQLite(place) as store:
    assert store.length("a") == length + 1
    assert store.check() == ()
print("full")
"""


def _mounts() -> tuple[str, ...] | None:
    """Say how this user can mount a small file system in a namespace of its own, which ends with its process."""
    if shutil.which("unshare") is None:
        return None
    for options in (("-m",), ("-U", "-r", "-m")):
        command = ("unshare", *options, "sh", "-c", "mount -t tmpfs -o size=16k none /mnt")
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return ("unshare", *options)
    return None


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    unshare = _mounts()
    if unshare is None:  # no rights to mount anything: let SQLite itself find the file full
        _fill_a_file(tmp_path / "s.db")
        return
    script = tmp_path / "full.py"
    script.write_text(_FULL)
    disk = tmp_path / "disk"
    disk.mkdir()
    fill = f"mount -t tmpfs -o size=400k none {disk} && head -c 100000 /dev/zero > {disk}/ballast && "
    done = subprocess.run(
        (*unshare, "sh", "-c", f"{fill} exec {sys.executable} {script} {disk}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "full\n"


def _fill_a_file(place: Path) -> None:
    with SQLite(place) as store:
        length = store.append("a", [event(0)], 0)
        assert store._link is not None
        store._link.execute("PRAGMA max_page_count = 20")
        with pytest.raises(StoreFull, match="no space is left"):
            while True:
                length = store.append("a", [event(length, "x" * 500)], length)
        assert len(store.read("a")) == length
        assert store.check() == ()


# --- forks -------------------------------------------------------------------------------------------


def test_a_forked_child_goes_on_with_the_store(tmp_path: Path) -> None:
    with SQLite(tmp_path / "s.db") as store:
        store.append("a", [event(0)], 0)

        def work() -> None:
            assert store.append("a", [event(1)], 1) == 2
            store.close()

        in_child(work)
        assert [record.event for record in store.read("a")] == [event(0), event(1)]
        assert store.append("a", [event(2)], 2) == 3
        assert store.check() == ()


@pytest.mark.slow
def test_forks_while_other_threads_write(tmp_path: Path) -> None:
    store = SQLite(tmp_path / "s.db")
    store.append("a", [event(0)], 0)
    done = threading.Event()

    def write() -> None:
        length = 1
        while not done.is_set():
            length = store.append("a", [event(length)], length)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for i in range(4):
            in_child(lambda name=f"child {i}": store.append(name, [event(0)], 0))  # type: ignore[misc]
    finally:
        done.set()
        writer.join()
    assert len(store.names()) == 5
    assert [record.event for record in store.read("a")] == [event(i) for i in range(store.length("a"))]
    assert store.check() == ()
    store.close()


def test_a_child_sees_that_the_file_was_replaced(tmp_path: Path) -> None:
    with SQLite(tmp_path / "s.db") as store:
        store.append("a", [event(0)], 0)

        def work() -> None:
            (tmp_path / "s.db").rename(tmp_path / "old.db")
            SQLite(tmp_path / "s.db").close()
            with pytest.raises(StoreError, match="replaced"):
                store.read("a")

        in_child(work)
        with pytest.raises(StoreError, match="replaced"):
            store.read("a")


def test_a_child_forked_inside_an_append_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier._runtime.fork_lock.FORK_PATIENCE_S", 0.01)
    children: list[int] = []

    def clock() -> float:  # called in the middle of an append, as a signal handler may be
        child = os.fork()
        if child == 0:
            code = 1
            try:
                store.read("a")
            except StoreError as error:
                code = 0 if "forked while its parent" in str(error) else 2
            finally:
                os._exit(code)
        children.append(child)
        return 1.0

    store = SQLite(tmp_path / "s.db", clock=clock)
    assert store.append("a", [event(0)], 0) == 1
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert store.length("a") == 1
    assert store.check() == ()
    store.close()


def test_ctrl_c_while_waiting_for_a_lock_is_heard(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    SQLite(place).close()
    processes = multiprocessing.get_context("fork")
    locked, waiting = processes.Event(), processes.Event()

    def work() -> None:
        locked.wait()
        with SQLite(place) as store:
            with pytest.raises(KeyboardInterrupt):
                waiting.set()
                store.append("a", [event(0)], 0)
            assert store.names() == ()

    child = processes.Process(target=work)
    child.start()
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    locked.set()
    assert waiting.wait(20)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGINT)
    child.join(20)
    assert child.exitcode == 0
    holder.execute("ROLLBACK")
    holder.close()
