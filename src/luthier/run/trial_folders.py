"""Folders of the trials of a run: beside the store, or temporary ones where the study is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from luthier._runtime.temporary_folder import temporary_folder
from luthier.errors import InvalidSetting
from luthier.study import StudyReader


@contextmanager
def trial_folders(study: StudyReader) -> Iterator[str | None]:
    """Give the path of the folder that has the folders of the trials; a temporary one is removed in the end.

    Args:
        study: whose trials they are.

    Returns:
        A path, in which the folder of a trial (`StudyReader.folder`) is made when the trial first uses it; None where
        there is no place for files.
    """
    place: str | None = None
    with ExitStack() as stack:
        try:
            place = str(study.folder(0).parent)
        except InvalidSetting:  # it is in memory
            with suppress(OSError):  # no place for temporary files
                place = str(stack.enter_context(temporary_folder()))
        yield place
