"""Files that are written beside a study: never over its store, and whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from luthier.errors import InvalidSetting


class StoredStudy(Protocol):
    """The part of a study that says where it is kept."""

    @property
    def name(self) -> str:
        """The study's name."""
        ...

    def is_in(self, path: str | Path) -> bool:
        """Tell whether the study is kept in the file at a path."""
        ...


def check_output(study: StoredStudy, path: str | Path) -> None:
    """Refuse to write where that would destroy a store, or where there is no folder.

    Raises:
        InvalidSetting: the file is the study's store, by whatever name or link it is called; or another SQLite file; or
            a folder; or its folder is missing.
    """
    if "://" in str(path):
        raise InvalidSetting("a file is written, and no store: give the path of one")
    target = Path(path)
    if study.is_in(target):
        raise InvalidSetting(f"{str(path)!r} is the store of study {study.name!r} itself: give another file")
    if _is_database(target):
        raise InvalidSetting(f"{str(path)!r} is an SQLite file, of other studies perhaps: give another file")
    if target.is_dir():
        raise InvalidSetting(f"{str(path)!r} is a folder: give the name of a file in it")
    if not target.absolute().parent.is_dir():
        raise InvalidSetting(f"there is no folder {str(target.parent)!r} to write {target.name!r} in: create it first")


def _is_database(path: Path) -> bool:
    """Tell whether a file that would be written over is one of SQLite's: a store, of other studies perhaps."""
    try:
        with path.open("rb") as file:
            return file.read(15) == b"SQLite format 3"
    except OSError:
        return False


def replace_file(path: str | Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole or not at all; what was there is replaced at once.

    Args:
        path: of the file.
        content: all of it, or its parts in order.

    Raises:
        OSError: it cannot be written; the error names this file, and not the draft beside it.
    """
    try:
        _replace(Path(path).absolute(), content)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


def _replace(target: Path, content: bytes | Iterable[bytes]) -> None:
    with tempfile.TemporaryFile(dir=target.parent) as file:  # on Linux without a name: kill -9 leaves nothing
        file.writelines((content,) if isinstance(content, bytes) else content)
        file.flush()
        draft = target.with_name(f".{target.name[:100]}-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            try:
                os.link(f"/proc/self/fd/{file.fileno()}", draft, follow_symlinks=True)
            except OSError:
                file.seek(0)
                with draft.open("wb") as copy:
                    shutil.copyfileobj(file, copy)
            mask = os.umask(0)
            os.umask(mask)
            draft.chmod(0o666 & ~mask)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
