"""One answer from one snapshot: whatever a question reads, it reads as of the same instant (queries.md section 0)."""

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import IsolationLevel

T = TypeVar("T")
Cursor = psycopg.Cursor[Any]
ATTEMPTS = 3


def ask(connection: psycopg.Connection[Any], question: Callable[[Cursor], T]) -> T:
    """The question's answer. Asked again when a rebuild has just dropped the version of a view it was to read."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    for _ in range(ATTEMPTS - 1):
        try:
            return _once(connection, question)
        except psycopg.errors.UndefinedTable:
            continue
    return _once(connection, question)


def _once(connection: psycopg.Connection[Any], question: Callable[[Cursor], T]) -> T:
    with connection.transaction(), connection.cursor() as cursor:
        return question(cursor)


class Unknown(Exception):
    """What was asked for does not exist. `code` is one of queries.md section 0: card_unknown and so on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
