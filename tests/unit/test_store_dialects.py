"""The meaning of a database server's errors, as its driver reports them."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.store.sql.dialects import MYSQL, POSTGRESQL, ServerVerdict


class Reported(Exception):
    """An error as drivers make them."""

    def __init__(self, *args: Any, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("FATAL:  the database system is starting up", ServerVerdict.NOT_NOW),
        ("FATAL:  the database system is not yet accepting connections", ServerVerdict.NOT_NOW),
        ("FATAL:  sorry, too many clients already", ServerVerdict.NOT_NOW),
        ('FATAL:  password authentication failed for user "ada"', ServerVerdict.REFUSED),
        ('FATAL:  database "x" does not exist', ServerVerdict.REFUSED),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", ServerVerdict.REFUSED),
        ('invalid connection option "x"', ServerVerdict.REFUSED),
        ("connection refused", ServerVerdict.GONE),
        ("timeout expired", ServerVerdict.GONE),
    ],
)
def test_an_error_of_connecting_is_known_by_its_words(text: str, verdict: ServerVerdict) -> None:
    assert POSTGRESQL.judge(Reported(text), connecting=True, lost=False) is verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("40001", ServerVerdict.AGAIN),
        ("40P01", ServerVerdict.AGAIN),
        ("23505", ServerVerdict.AGAIN),
        ("57P01", ServerVerdict.GONE),
        ("08006", ServerVerdict.GONE),
        ("57P03", ServerVerdict.NOT_NOW),
        ("28P01", ServerVerdict.REFUSED),
        ("42501", ServerVerdict.FORBIDDEN),
        ("25006", ServerVerdict.READ_ONLY),
        ("53100", ServerVerdict.FULL),
        ("42601", ServerVerdict.OTHER),
    ],
)
def test_codes_of_postgresql(code: str, verdict: ServerVerdict) -> None:
    assert POSTGRESQL.judge(Reported("no", sqlstate=code), connecting=False, lost=False) is verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (1213, ServerVerdict.AGAIN),
        (1205, ServerVerdict.AGAIN),
        (2006, ServerVerdict.GONE),
        (2013, ServerVerdict.GONE),
        (1040, ServerVerdict.NOT_NOW),
        (1045, ServerVerdict.REFUSED),
        (1142, ServerVerdict.FORBIDDEN),
        (1290, ServerVerdict.READ_ONLY),
        (1021, ServerVerdict.FULL),
        (1064, ServerVerdict.OTHER),
    ],
)
def test_codes_of_mysql(code: int, verdict: ServerVerdict) -> None:
    """They come before the SQL state, which says less."""
    assert MYSQL.judge(Reported(code, "no", sqlstate="42000"), connecting=True, lost=False) is verdict


def test_an_error_without_a_code_is_what_sqlalchemy_makes_of_it() -> None:
    for dialect in (POSTGRESQL, MYSQL):
        assert dialect.judge(Reported("no"), connecting=False, lost=True) is ServerVerdict.GONE
        assert dialect.judge(Reported("no"), connecting=False, lost=False) is ServerVerdict.OTHER
        assert dialect.judge(None, connecting=False, lost=True) is ServerVerdict.GONE
