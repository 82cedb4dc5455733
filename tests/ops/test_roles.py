"""A user of the database that is no superuser, as servers have them: may it act as the roles, and what is it told?"""

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ops.migrate import migrate
from ops.problems import EnvironmentProblem
from ops.roles import FIRST_WITH_SET, ROLES

Made = Callable[[str], str]


@pytest.fixture
def owned_by(dsn: str) -> Iterator[Made]:
    """Give the test's database to a new user who holds the roles in this way; its connection string."""
    user = f"onecard_test_{os.getpid()}"
    name = conninfo_to_dict(dsn)["dbname"]
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        # A server that asks for passwords is told the one that the test's own user has.
        password = sql.Literal(conninfo_to_dict(dsn).get("password") or "any")
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), password))
        connection.execute("DROP SCHEMA ledger, views, onecard CASCADE")
        connection.execute(f"ALTER DATABASE {name} OWNER TO {user}")

        def made(held: str) -> str:
            if "SET" in held and connection.info.server_version < FIRST_WITH_SET:
                pytest.skip("before PostgreSQL 16 every member may act as the role")
            if held:
                connection.execute(f"GRANT {', '.join(ROLES)} TO {user} {held}")
            return make_conninfo(dsn, user=user)

        yield made
        connection.execute(f"REASSIGN OWNED BY {user} TO CURRENT_USER")
        connection.execute(f"DROP OWNED BY {user} CASCADE")
        connection.execute(f"DROP ROLE {user}")


@pytest.mark.parametrize("held", ["WITH ADMIN TRUE, SET FALSE, INHERIT FALSE", "WITH ADMIN OPTION"])
def test_who_may_grant_the_roles_acts_as_them_from_the_first_command_on(owned_by: Made, held: str) -> None:
    """The first is what CREATE ROLE leaves its maker with since PostgreSQL 16."""
    user = owned_by(held)

    migrate(user)

    with psycopg.connect(user, autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"SET ROLE {role}")


def test_who_may_not_is_told_what_an_administrator_has_to_run(owned_by: Made, dsn: str) -> None:
    user = owned_by("")

    for _ in ("the first command, which makes the tables", "every later one"):
        with pytest.raises(EnvironmentProblem, match=r"GRANT .*onecard_writer.*onecard_reader.* TO ") as told:
            migrate(user)

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(str(told.value).split("`")[1])
    assert migrate(user) == []
