"""Instances in study files: listed, or in files as tuners of algorithms have them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier._hints import did_you_mean
from luthier.cli.studyfile.units import duration_s
from luthier.errors import InvalidSetting
from luthier.instances import Instances
from luthier.scalar import short

_KEYS = ("names", "file", "features", "seeds", "cutoff", "par", "files")
_SHOWN = 3
ALLOWED = (
    'a list of names, or a table such as {file = "instances.txt", features = "features.csv", seeds = 3, cutoff = "60s"}'
)


def read_instances(value: object, folder: Path) -> Instances:
    """Read the instances of a study file.

    Args:
        value: as it stands there.
        folder: of the study file, from which paths of files count.

    Raises:
        InvalidSetting: they are not what is allowed, or a file cannot be read.
    """
    if isinstance(value, list):
        return Instances(value)
    if not isinstance(value, dict):
        raise InvalidSetting(f"{short(value)} is not allowed here: give {ALLOWED}")
    for key in value:
        if key not in _KEYS:
            raise InvalidSetting(f"{key!r} is not known{did_you_mean(key, _KEYS)}: give {ALLOWED}")
    if ("names" in value) == ("file" in value):
        raise InvalidSetting(f'give names = [...] or file = "...", one of both: {ALLOWED}')
    names: Any = value["names"] if "names" in value else _names(_text(value["file"], "file"), folder)
    features: Any = value.get("features")
    if isinstance(features, str):
        features = _features(features, folder)
    settings: dict[str, Any] = {key: value[key] for key in ("seeds", "par") if key in value}
    if "cutoff" in value:
        settings["cutoff_s"] = duration_s(value["cutoff"])
    return Instances(names, features, **settings)


def read_files(value: object) -> bool | None:
    """Read whether the instances of a study file are files; None where it does not say so.

    Raises:
        InvalidSetting: it says neither true nor false.
    """
    said = value.get("files") if isinstance(value, dict) else None
    if said is not None and not isinstance(said, bool):
        raise InvalidSetting(f"files = {short(said)}: give true where the instances are files, or false")
    return said


def check_instance_files(instances: Instances, files: bool | None, folders: Sequence[Path]) -> None:
    """Refuse instances that are files and are not there.

    Args:
        instances: those of a study.
        files: whether they are files; None: those with a name like that of a file, which has an ending or a folder.
        folders: where they are looked for.

    Raises:
        InvalidSetting: some are missing.
    """
    if files is False:
        return
    names = [str(name) for name in instances.to_plain()["names"]]
    meant = names if files else [name for name in names if _is_like_a_path(name)]
    missing = [name for name in meant if not any((folder / Path(name).expanduser()).exists() for folder in folders)]
    if missing:
        shown = ", ".join(map(repr, missing[:_SHOWN])) + (", …" if len(missing) > _SHOWN else "")
        where = " or ".join(repr(str(folder.absolute())) for folder in folders)
        also = "" if files else "; if they are no files, say so: instances = {…, files = false}"
        count = f"{len(missing)} of {len(names)} instances"
        raise InvalidSetting(f"{count} are files that are not there: {shown}; looked for in {where}{also}")


def _is_like_a_path(name: str) -> bool:
    return "://" not in name and ("/" in name or _ENDING.search(name) is not None)


_ENDING = re.compile(r"\w\.[A-Za-z]\w{0,7}$")


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidSetting(f"{key} = {short(value)}: give the path of a file, relative to the study file")
    return value


def _lines(path: str, folder: Path) -> list[str]:
    try:
        return (folder / Path(path).expanduser()).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidSetting(f"the file {path!r} cannot be read: {why}") from None


def _names(path: str, folder: Path) -> list[str]:
    """Read one instance a line; empty lines and comments (#) are left out."""
    found = [line.strip() for line in _lines(path, folder)]
    return [line for line in found if line and not line.startswith("#")]


def _features(path: str, folder: Path) -> dict[str, list[float]]:
    """Read a table with the name of an instance and its features in each row; a first row without numbers is a head."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(_lines(path, folder)) if row]
    found: dict[str, list[float]] = {}
    for place, (name, *cells) in enumerate(rows):
        try:
            found[name] = [float(cell) for cell in cells]
        except ValueError:
            if place:
                raise InvalidSetting(f"row {place + 1} of the file {path!r} has a feature that is no number") from None
    return found
