"""A study against a model of it, on database servers; see test_study_machine.py."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from test_study_machine import StudyMachine

from databases import DatabaseServer
from luthier.store import Store
from luthier.store.sql.server_store import ServerStore


def run(server: DatabaseServer) -> None:
    url = server.url("machine")

    class ServerStudyMachine(StudyMachine):
        """The same on a server."""

        def prepare(self) -> None:
            with self.connect() as store:
                for name in store.names():
                    store.delete(name)

        def connect(self) -> Store:
            return ServerStore(url, clock=lambda: self.now)

        def disconnect(self, store: Store) -> None:
            store.close()

    run_state_machine_as_test(ServerStudyMachine, settings=settings(max_examples=6, stateful_step_count=20))


@pytest.mark.slow
def test_study_on_postgresql(postgresql: DatabaseServer) -> None:
    run(postgresql)


@pytest.mark.slow
def test_study_on_mariadb(mariadb: DatabaseServer) -> None:
    run(mariadb)
