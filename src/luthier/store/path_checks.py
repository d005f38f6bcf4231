"""Checks of the path of a file store: a local file system, a folder that exists, not a folder itself."""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from luthier.errors import InvalidSetting, StoreError, StoreReadOnly
from luthier.scalar import short

USAGE = "give a path such as 'study.db', a URL such as 'sqlite:///study.db', or None to keep the study in memory"
"""The end of the message about something that is not a store."""

# fmt: off
NETWORK = frozenset(
    (
        "nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "auristorfs", "coda", "ceph",
        "glusterfs", "lustre", "beegfs", "gpfs", "pvfs2", "orangefs", "ocfs2", "gfs2", "panfs", "davfs", "acfs",
        "quobyte", "juicefs", "cvmfs", "vboxsf", "prl_fs",
    )
)
"""File systems (names as in /proc/mounts, also after ``fuse.``) on which a lock or a flush may not hold."""

_FUSE_NETWORK = NETWORK | frozenset(
    (
        "sshfs", "s3fs", "rclone", "gcsfuse", "goofys", "davfs2", "curlftpfs", "mfs", "moosefs", "hdfs", "ceph-fuse",
        "blobfuse", "blobfuse2", "mount-s3", "smbnetfs",
    )
)
# fmt: on
_OLD_S = 60.0
_logger = logging.getLogger(__name__)

MOUNTS = Path("/proc/self/mounts")


def settle(path: str | Path, kind: str, mounts: Path = MOUNTS) -> Path:
    """Give the absolute path of a store's file, or say why it cannot be there.

    Args:
        path: as the user gave it.
        kind: what to call the store in a message.
        mounts: the table of mounts, as in Linux; without one, no network file system is noticed.

    Raises:
        InvalidSetting: the path is a folder, a pipe or a device, its folder is missing or closed to this user, it is
            on a network file system, or it cannot be a path at all (too long, a link that leads to itself, the home of
            nobody).
    """
    given, place = _absolute(Path(path), kind)
    if place.is_dir():
        raise InvalidSetting(f"the {kind} {str(given)!r} is a folder: give the path of a file in it")
    if place.exists() and not place.is_file():
        raise InvalidSetting(
            f"the {kind} {str(given)!r} is a pipe or a device, which keeps nothing: give the path of a file"
        )
    if not place.parent.is_dir():
        raise InvalidSetting(
            f"the {kind} {str(given)!r} cannot be there: there is no folder {str(place.parent)!r}; create it first"
        )
    system = network(place, mounts)
    if system is not None:
        raise InvalidSetting(
            f"the {kind} {str(given)!r} is on a network file system ({system}), where locks and flushes are not "
            "reliable and a log can be damaged: put it on a local disk and let workers run on that machine, or use a "
            "database server, as in store='postgresql://user:password@host/database'"
        )
    return place


def check_file(place: Path, kind: str, must_exist: bool) -> None:
    """Make sure that a store is there, or can be made there.

    Args:
        place: the file.
        kind: what to call the store in a message.
        must_exist: whether it is to be there already.

    Raises:
        StoreError: there is no file, and none is to be made.
        StoreReadOnly: there is none, and none can be made.
    """
    if not must_exist:
        warn_if_emptied(place, kind)
    if place.exists():
        return
    if must_exist:
        raise StoreError(
            f"there is no store {str(place)!r}: check the path; a store is made when a study is begun there"
        )
    if not writable(place):
        raise StoreReadOnly(f"no file can be made in {str(place.parent)!r}: it is read-only; use another")


def path_of(url: str, scheme: str, whose: str) -> str:
    """Give the path in a URL such as ``sqlite:///study.db``; after the scheme come three slashes, and no options.

    Args:
        url: as the user gave it.
        scheme: what it begins with.
        whose: what to call such URLs in a message.

    Raises:
        InvalidSetting: the URL is not of this form.
    """
    rest = url.removeprefix(f"{scheme}://")
    if not rest.startswith("/"):
        raise InvalidSetting(f"{url!r}: after {scheme}:// comes a third slash and the path; {USAGE}")
    if "?" in rest or "#" in rest:
        raise InvalidSetting(f"{url!r}: {whose} URLs have no options; {USAGE}")
    return checked_path(rest[1:], url)


def checked_path(path: str, given: str) -> str:
    """Give a path; raises `InvalidSetting` where it cannot be one, citing what the user has `given`."""
    if not path or path.isspace() or "\0" in path:
        raise InvalidSetting(f"{given!r} is not a path of a store: {USAGE}")
    return path


def warn_if_emptied(place: Path, kind: str) -> None:
    """Say that a store is begun in an empty file that was there before: what was in it may have been lost."""
    with suppress(OSError):
        state = place.stat()
        if state.st_size == 0 and time.time() - state.st_mtime > _OLD_S:  # a young one is another process's beginning
            _logger.warning(
                "the %s %r was empty: a new store is begun in it. If it had studies, put back a copy", kind, str(place)
            )


def _absolute(path: Path, kind: str) -> tuple[Path, Path]:
    """Give a path with its home folder, and the absolute path of what it leads to."""
    try:
        given = path.expanduser()
        place = given.resolve()
        if place.is_symlink():  # it leads to itself
            raise RuntimeError("its links lead in a circle")
        with suppress(FileNotFoundError, NotADirectoryError):
            place.stat()
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidSetting(f"the {kind} {short(str(path))} cannot be there: {why}; give another path") from None
    return given, place


def network(place: Path, mounts: Path = MOUNTS) -> str | None:
    """Name the network file system on which an absolute path lies, or None for a local one. Cost O(mounts)."""
    try:
        table = mounts.read_text(errors="surrogateescape")
    except OSError:
        return None
    best, system = "", ""
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _unescape(fields[1])
        if len(point) >= len(best) and _holds(point, str(place)):  # of equals the later mount hides the earlier
            best, system = point, fields[2]
    plain = system.removeprefix("fuse.")
    known = _FUSE_NETWORK if system.startswith("fuse.") else NETWORK
    return system if plain in known else None


def writable(place: Path) -> bool:
    """Tell whether this process may write the file (if it exists) and create others beside it."""
    return os.access(place.parent, os.W_OK) and (not place.exists() or os.access(place, os.W_OK))


def readable(place: Path) -> bool:
    """Tell whether this process may read the file, where it exists."""
    return not place.exists() or os.access(place, os.R_OK)


def full(place: Path) -> bool:
    """Tell whether the file system has no space, or no file entries, left."""
    if os.name == "nt":
        return False
    state = os.statvfs(place.parent)
    return state.f_bavail == 0 or (state.f_files > 0 and state.f_favail == 0)


def _holds(point: str, place: str) -> bool:
    return place == point or place.startswith(point if point.endswith("/") else point + "/")


def _unescape(text: str) -> str:
    """Undo the octal escapes of /proc/mounts."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
