"""Folders of the trials' files, beside the store of their study."""

from __future__ import annotations

import re
from pathlib import Path

from luthier.errors import InvalidSetting
from luthier.store import Identifying, Store

_LONGEST = 40


def trial_folder(store: Store, study: str, number: int) -> Path:
    """Give the folder of a trial: ``digits.db.trials/digits-1/00007`` beside ``digits.db``. Nothing is made.

    The number after the name is that of the study in its store: a study that is begun anew under the name of one that
    was removed does not find its files.

    Args:
        store: has the study.
        study: its name, of which the folder has what any file system takes.
        number: of the trial.

    Returns:
        An absolute path.

    Raises:
        InvalidSetting: the store is no file.
    """
    place = getattr(store, "path", None)
    if not isinstance(place, Path):
        raise InvalidSetting(
            f"the trials of study {study!r} have no folders that are kept: {store} is no file; give a study a store "
            "such as 'study.db'"
        )
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", study)[:_LONGEST].strip(".-") or "study"
    mark = f"-{store.identify(study, store.length(study))[0]}" if isinstance(store, Identifying) else ""
    return place.with_name(f"{place.name}.trials").absolute() / f"{plain}{mark}" / folder_name(number)


def folder_name(number: int) -> str:
    """Give the name of a trial's folder among those of its study."""
    return f"{number:05d}"
