"""Checkpoints of a trial in its folder: each complete, or not there at all."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from luthier.errors import InvalidSetting

CONTENT = "content"
"""The name, in the folder of a checkpoint, of the file or folder that the objective gave."""

_PLACE = "checkpoints"


def keep(folder: Path, source: Path, step: int) -> Path:
    """Copy a file or a folder, whole or not at all, and then remove earlier checkpoints.

    The copy is written under another name, its files are flushed to the disk, and then it is renamed: a process or a
    machine that dies on the way leaves the earlier checkpoint.

    Args:
        folder: of the trial.
        source: what the objective has written.
        step: that it holds.

    Returns:
        The folder of the checkpoint.

    Raises:
        InvalidSetting: there is nothing at `source`, or it is a folder that holds the checkpoints themselves.
    """
    place = folder / _PLACE
    if source.is_dir() and place.resolve().is_relative_to(source.resolve()):
        raise InvalidSetting(
            f"checkpoint({str(source)!r}): the trial's checkpoints are in this folder, so its copy would hold itself: "
            "save what is needed into a folder of its own, such as trial.folder / 'state'"
        )
    place.mkdir(parents=True, exist_ok=True)
    unfinished = place / f"unfinished-{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        if source.is_dir():
            shutil.copytree(source, unfinished / CONTENT)
        else:
            shutil.copyfile(source, unfinished / CONTENT)
    except FileNotFoundError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise InvalidSetting(f"checkpoint({str(source)!r}): there is no such file or folder: save it first") from None
    for path in unfinished.rglob("*"):
        _make_writable(path)
        if path.is_file():
            _flush(path)
    earlier = _all(folder)
    kept = place / f"{max((_mark(path)[0] for path in earlier), default=0) + 1}-{step}"
    unfinished.replace(kept)
    for path in earlier:
        shutil.rmtree(path, ignore_errors=True)
    return kept


def find(folder: Path) -> Path | None:
    """Give the folder of the latest checkpoint in the folder of a trial; None where there is none."""
    return max((path for path in _all(folder) if (path / CONTENT).exists()), key=_mark, default=None)


def step_of(kept: Path | None) -> int:
    """Give the step that a checkpoint holds; 0 where there is none."""
    return 0 if kept is None else _mark(kept)[1]


def _all(folder: Path) -> list[Path]:
    place = folder / _PLACE
    return [path for path in place.iterdir() if _mark(path) != (0, 0)] if place.is_dir() else []


def _mark(path: Path) -> tuple[int, int]:
    """Read the name of a checkpoint's folder: which one it is, and the step that it holds."""
    count, _, step = path.name.partition("-")
    return (int(count), int(step)) if count.isdecimal() and step.isdecimal() else (0, 0)


def _make_writable(path: Path) -> None:
    """Let the owner write to a copy, whose original may be read-only: it is flushed now, and removed later."""
    with suppress(OSError):
        path.chmod(path.stat().st_mode | (stat.S_IRWXU if path.is_dir() else stat.S_IRUSR | stat.S_IWUSR))


def _flush(path: Path) -> None:
    """Have the system write a file to the disk, where it can."""
    with path.open("r+b") as file, suppress(OSError):
        os.fsync(file.fileno())
