"""Database servers of the tests' own: from Debian's packages, in a folder of their own, as an ordinary user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_START_S = 60.0


class DatabaseServer:
    """A server that the tests start, stop, kill and start again.

    Attributes:
        kind: ``postgresql`` or ``mariadb``.
        folder: with its data, its socket and what it writes.
    """

    def __init__(self, kind: str, durable: bool = False) -> None:
        self.kind = kind
        self.folder = Path(tempfile.mkdtemp(prefix="luthier-db-", dir="/tmp" if durable else fast_place()))
        self.port = _free_port()
        self._durable = durable
        self._user = _ordinary_user()
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        (self._make_postgresql if kind == "postgresql" else self._make_mariadb)()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        if kind == "postgresql":
            self.sql("CREATE DATABASE luthier")

    # --- its life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = self._popen(*(self._postgresql() if self.kind == "postgresql" else self._mariadb()))
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(Exception):
                self.sql("SELECT 1")
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.kind} did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def stop(self, immediate: bool = False) -> None:
        """Stop it; `immediate`: at once, without a word to its clients, as after a failure of power."""
        assert self._process is not None
        if self.kind == "postgresql" and immediate:
            pg_ctl = ("stop", "-m", "immediate", "-D", str(self.folder / "data"))
            self._popen(_postgresql_program("pg_ctl"), *pg_ctl).wait(60)
        else:
            polite = signal.SIGINT if self.kind == "postgresql" else signal.SIGTERM
            self._process.send_signal(signal.SIGKILL if immediate else polite)
        self._process.wait(60)

    def restart(self, immediate: bool = False, away_s: float = 0.0) -> None:
        """Stop it and start it again."""
        self.stop(immediate)
        time.sleep(away_s)
        self.start()

    def freeze(self) -> None:
        """Have it answer nobody, without ending it or any connection."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove its folder."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGKILL)
            self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- its databases ------------------------------------------------------------------------------

    def url(self, name: str = "store", user: str = "root", password: str = "", tcp: bool = False) -> str:
        """Give the URL of an empty place of a name; it is made where there is none."""
        login = f"{user}:{password}" if password else user
        host = f"127.0.0.1:{self.port}" if tcp else f":{self.port}" * (self.kind == "postgresql")
        if self.kind == "postgresql":
            self.sql(f'CREATE SCHEMA IF NOT EXISTS "{name}"', database="luthier")
            options = f"options=-csearch_path%3D{name}"
            return f"postgresql://{login}@{host}/luthier?{options}" + ("" if tcp else f"&host={self.folder}")
        self.sql(f"CREATE DATABASE IF NOT EXISTS `{name}`")
        return f"mariadb://{login}@{host or 'localhost'}/{name}" + ("" if tcp else f"?unix_socket={self.folder}/socket")

    def sql(self, statement: str, database: str = "") -> list[Any]:
        """Execute a statement as the superuser."""
        if self.kind == "postgresql":
            import psycopg

            with psycopg.connect(
                host=str(self.folder), port=self.port, user="root", dbname=database or "postgres", autocommit=True
            ) as connection:
                cursor = connection.execute(statement)  # type: ignore[call-overload]
                return list(cursor) if cursor.description else []
        import pymysql

        connection = pymysql.connect(
            unix_socket=f"{self.folder}/socket", user="root", database=database or None, autocommit=True
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def terminate_clients(self) -> int:
        """End all connections of Luthier; gives their number."""
        if self.kind == "postgresql":
            ask = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'luthier'"
            return len(self.sql(ask))
        ended = 0
        for (number,) in self.sql(
            "SELECT id FROM information_schema.processlist WHERE user = 'root' AND id <> CONNECTION_ID()"
        ):
            with contextlib.suppress(Exception):  # it has ended meanwhile
                self.sql(f"KILL {number}")
                ended += 1
        return ended

    # --- the two programs ---------------------------------------------------------------------------

    def _make_postgresql(self) -> None:
        data = self.folder / "data"
        self._call(
            *(_postgresql_program("initdb"), "-D", str(data), "-U", "root", "--auth=trust", "--no-sync"),
            *("--encoding=UTF8", "--locale=C"),
        )
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")

    def _postgresql(self) -> tuple[str, ...]:
        settings = {
            "unix_socket_directories": str(self.folder),
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "fsync": "on" if self._durable else "off",
            "max_connections": "150",
            "shared_buffers": "64MB",
        }
        given = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return _postgresql_program("postgres"), "-D", str(self.folder / "data"), *given

    def _make_mariadb(self) -> None:
        self._call(
            *("mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", "--skip-test-db"),
            *("--auth-root-authentication-method=normal", "--skip-name-resolve", f"--tmpdir={self.folder}"),
        )

    def _mariadb(self) -> tuple[str, ...]:
        return (
            *(shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.folder / 'data'}"),
            *(f"--socket={self.folder}/socket", f"--port={self.port}", "--bind-address=127.0.0.1"),
            *(f"--pid-file={self.folder}/pid", f"--tmpdir={self.folder}", "--skip-name-resolve"),
            *("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--max-connections=150"),
            f"--innodb-flush-log-at-trx-commit={1 if self._durable else 2}",
        )

    def _call(self, *command: str) -> None:
        process = self._popen(*command)
        if process.wait(120) != 0:
            raise RuntimeError(f"{command[0]}: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def _popen(self, *command: str) -> subprocess.Popen[bytes]:
        who: dict[str, Any] = {}
        if self._user is not None:
            who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        environment = {**os.environ, "HOME": str(self.folder), "LC_ALL": "C"}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=environment, **who
            )

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (self._process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


@contextlib.contextmanager
def database_server(kind: str, durable: bool = False) -> Iterator[DatabaseServer]:
    """Start a server, and stop it in the end."""
    server = DatabaseServer(kind, durable)
    try:
        yield server
    finally:
        server.close()


def _postgresql_program(name: str) -> str:
    """Find a program of PostgreSQL: Debian keeps them beside the path."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda place: float(place.parts[4]))
    found = str(places[-1]) if places else shutil.which(name)
    if found is None:
        raise RuntimeError(f"tests need PostgreSQL's {name}: run requirements/databases.sh")
    return found


def _ordinary_user() -> pwd.struct_passwd | None:
    """Give the user that servers run as, which refuse the superuser; None: as who runs the tests."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def fast_place(otherwise: str = "/tmp") -> str:
    """Give a folder in memory, where there is room and programs may be run; its path is short enough for a socket."""
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)) or shutil.disk_usage(memory).free < 2**31:
        return otherwise
    return otherwise if os.statvfs(memory).f_flag & os.ST_NOEXEC else str(memory)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
