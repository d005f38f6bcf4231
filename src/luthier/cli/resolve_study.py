"""The study of a command: found by its store or study file, and by its name where there are several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier._hints import did_you_mean
from luthier.cli.studyfile.toml_source import TomlSource, listed
from luthier.errors import StoreError, StudyNotFound
from luthier.store import Store, open_store, shown_place
from luthier.study import StudyReader

if TYPE_CHECKING:
    from luthier.run import Study
    from luthier.study import StudyEditor


def find(where: str | None) -> tuple[str, str | None]:
    """Give the path or URL of a store, and the name of the study where a study file names it.

    Args:
        where: a store or a study file; None for ``study.toml``, or else the one ``.db`` file, of the current folder.
    """
    if where is None:
        where = "study.toml" if Path("study.toml").is_file() else _only_store()
    if "://" in where:
        return where, None
    if where.endswith(".toml"):
        from luthier.cli.studyfile.read import store_of

        source = TomlSource(where)
        name = source.section("study").text("name", source.path.stem)
        return _existing(store_of(source)), name
    return _existing(where), None


@contextmanager
def opened_store(place: str) -> Iterator[Store]:
    """Open a store that exists, and close it in the end."""
    store = open_store(place, must_exist=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened_reader(where: str | None, name: str | None) -> Iterator[StudyReader]:
    """Open the study that is meant for reading, and close it in the end. Its method is not needed.

    Raises:
        StoreError: there is no such store.
        StudyNotFound: the store has no such study, or several and no name is given.
    """
    with _chosen(where, name) as (store, chosen):
        yield StudyReader.open(store, chosen)


@contextmanager
def opened_place(text: str) -> Iterator[StudyReader]:
    """Open a study for reading that is given as ``store.db``, or ``store.db#name``; see `opened_reader`."""
    place, _, name = text.partition("#") if not Path(text).exists() else (text, "", "")
    with opened_reader(place, name or None) as reader:
        yield reader


@contextmanager
def opened_editor(where: str | None, name: str | None) -> Iterator[StudyEditor]:
    """Open the study that is meant for editing; see `opened_reader`. Its method is not needed either."""
    from luthier.study import StudyEditor

    with _chosen(where, name) as (store, chosen):
        yield StudyEditor.open(store, chosen)


@contextmanager
def opened_study(where: str | None, name: str | None) -> Iterator[Study]:
    """Open the study that is meant with its method, and close it in the end; see `opened_reader`."""
    from luthier.run import Study

    with _chosen(where, name) as (store, chosen), Study(chosen, store=store) as study:
        yield study


@contextmanager
def _chosen(where: str | None, name: str | None) -> Iterator[tuple[Store, str]]:
    place, named = find(where)
    with opened_store(place) as store:
        yield store, choose(store.names(), name or named, place)


def choose(names: tuple[str, ...], wanted: str | None, place: str) -> str:
    """Choose one of a store's studies."""
    place = shown_place(place)
    if wanted is not None:
        if wanted not in names:
            there = listed("it has", [repr(name) for name in names]) if names else "it is empty"
            raise StudyNotFound(f"{place} has no study {wanted!r}{did_you_mean(wanted, names)}; {there}")
        return wanted
    if not names:
        raise StudyNotFound(f"{place} has no studies")
    if len(names) > 1:
        raise StudyNotFound(f"{place} has {len(names)} studies; choose one with --study: {', '.join(map(repr, names))}")
    return names[0]


def _only_store() -> str:
    found = sorted(str(path) for path in Path().glob("*.db") if path.is_file())
    if len(found) == 1:
        return found[0]
    there = f"it has several stores: {', '.join(found)}" if found else "it has neither study.toml nor a store (*.db)"
    raise click.UsageError(f"name a store or a study file; this folder leaves no choice: {there}")


def _existing(place: str) -> str:
    if "://" in place:
        return place
    path = Path(place)
    if not path.exists():
        beside = [str(other) for other in path.parent.glob("*.db")] if path.parent.is_dir() else []
        hint = did_you_mean(place, beside) or ": it is made when a study is begun, by luthier run"
        raise StoreError(f"there is no store {place!r}{hint}")
    return place
