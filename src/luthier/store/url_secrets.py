"""URLs of stores without the secrets in them, as they may be shown."""

from __future__ import annotations

import os
import re

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+://)(?P<rest>.*)", re.DOTALL)
_OPTION = re.compile(r"(?P<key>[^&=]*)=[^&]*")
_HARMLESS = frozenset(("host", "port", "dbname", "unix_socket", "options", "sslmode", "charset", "connect_timeout"))
_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^/:\[]+):(?![0-9]{0,5}(/|$))")
_LOGIN = re.compile(r"([:：]//?[^\s:/@\"']*):[^\s\"']*@")
# A URL of a server in which a colon or a slash is missing; in a path, such a name follows a slash.
_MISTYPED = re.compile(
    r"(?<![\w/.])((?:postgres(?:ql)?|m(?:ysql|ariadb))\+?\w*[:;/]+[^\s:/@\"']*):[^\s\"']*@", re.IGNORECASE
)
_WORD = re.compile(r"\b(\w*(?:password|passwd|passfile|secret|token))=[^&\s\"']*", re.IGNORECASE)
HIDDEN = "***"
"""What stands for a secret."""


def shown_place(where: object) -> str:
    """Give the path or the URL of a store as a person may read it: without a password, in whatever part it is.

    >>> shown_place("postgresql://ada:lovelace@localhost/tuning?sslpassword=x")
    'postgresql://ada:***@localhost/tuning?sslpassword=***'
    """
    text = os.fspath(where) if isinstance(where, str | os.PathLike) else str(where)
    match = _URL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return str(text)
    # A password may hold what should have been written as %40 or %3F: whatever may be one is hidden.
    user, at, place = match["rest"].rpartition("@")
    name, colon, _ = user.partition(":")
    before, mark, query = place.partition("?")
    if not at and (port := _PORT.match(before)):
        before = port["host"] + ":" + HIDDEN
    return match["scheme"] + name + (colon and colon + HIDDEN) + at + before + mark + _OPTION.sub(_hide, query)


def without_passwords(text: str) -> str:
    """Give a text of any kind in which the passwords of URLs are hidden, such as a line of a file that is cited.

    >>> without_passwords('path = "mysql://ada:love@lace@localhost/tuning?password=x"')
    'path = "mysql://ada:***@localhost/tuning?password=***"'
    """
    for login in (_LOGIN, _MISTYPED):
        text = login.sub(rf"\1:{HIDDEN}@", text)
    return _WORD.sub(rf"\1={HIDDEN}", text)


def _hide(match: re.Match[str]) -> str:
    return match[0] if match["key"] in _HARMLESS else f"{match['key']}={HIDDEN}"
