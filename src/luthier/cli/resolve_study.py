"""Which study a command is about: a store, or the study file that names one; and a name where there are several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from luthier.cli.studyfile.toml_source import TomlSource, listed, nearest
from luthier.errors import StoreError, StudyNotFound
from luthier.store import Store, open_store
from luthier.study import BaseStudy


def find(where: str | None) -> tuple[str, str | None]:
    """Give the path or URL of a store, and the name of a study where a study file gives one.

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
    """Open a store, and close it in the end."""
    store = open_store(place)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened_study(where: str | None, name: str | None) -> Iterator[BaseStudy]:
    """Open the study that is meant, and close it in the end.

    Raises:
        StoreError: there is no such store.
        StudyNotFound: the store has no such study, or several where none is named.
    """
    place, named = find(where)
    with opened_store(place) as store:
        names = store.names()
        with BaseStudy(choose(names, name or named, place), store=store) as study:
            yield study


def choose(names: tuple[str, ...], wanted: str | None, place: str) -> str:
    """Choose one of a store's studies."""
    if wanted is not None:
        if wanted not in names:
            there = listed("it has", [repr(name) for name in names]) if names else "it is empty"
            raise StudyNotFound(f"{place} has no study {wanted!r}{nearest(wanted, names)}; {there}")
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
    raise click.UsageError(f"name a store or a study file; of this folder none can be chosen: {there}")


def _existing(place: str) -> str:
    path = Path(place)
    if not path.exists():
        beside = [str(other) for other in path.parent.glob("*.db")] if path.parent.is_dir() else []
        raise StoreError(f"there is no store {place!r}{nearest(place, beside)}")
    return place
