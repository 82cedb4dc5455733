"""The two roles that commands act as, and whether the user of the database may become them.

Since PostgreSQL 16 even who made a role may not act as it before granting it to itself. Whoever may grant is spared
that errand; for everybody else the sentence says what an administrator has to run.
"""

from typing import Any

import psycopg
from psycopg import sql

from ops.problems import EnvironmentProblem

ROLES = ("onecard_writer", "onecard_reader")
FIRST_WITH_SET = 160_000


def take_up(connection: psycopg.Connection[Any], lock: int) -> None:
    """Nothing if the user may act as both roles; else take them, or an EnvironmentProblem. `lock`: one at a time."""
    if not _missing(connection):
        return
    connection.execute("SELECT pg_advisory_lock(%s)", (lock,))
    missing = _missing(connection)
    granted = sql.SQL(", ").join(map(sql.Identifier, missing))
    try:
        if missing:
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(granted))
    except psycopg.errors.InsufficientPrivilege:
        user = sql.Identifier(connection.info.user)
        grant = sql.SQL("GRANT {} TO {}").format(granted, user).as_string(connection)
        raise EnvironmentProblem(
            f"The database user may not act as {' and '.join(missing)}: let an administrator run `{grant}`."
        ) from None
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (lock,))


def _missing(connection: psycopg.Connection[Any]) -> list[str]:
    """The roles the user may not act as; a role that does not exist yet is not among them."""
    kind = "SET" if connection.info.server_version >= FIRST_WITH_SET else "MEMBER"
    found = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND NOT pg_has_role(oid, %s) ORDER BY rolname DESC",
        (list(ROLES), kind),
    )
    return [name for (name,) in found]
