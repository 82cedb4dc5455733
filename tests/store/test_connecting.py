"""What is set at the server for other programs neither ends our work nor weakens what a receipt promises."""

import os

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.store.connecting import FIRST_WITH_TRANSACTION_TIMEOUT, LIMITS, connect


def set_for_everybody(dsn: str, **settings: str) -> None:
    """As an administrator does it, for all sessions of the database from the next one on."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting, value in settings.items():
            if setting == "transaction_timeout" and connection.info.server_version < FIRST_WITH_TRANSACTION_TIMEOUT:
                continue
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(statement.format(sql.Identifier(name), sql.SQL(setting), sql.Literal(value)))


def test_limits_on_statements_and_sessions_are_set_aside(dsn: str) -> None:
    set_for_everybody(dsn, **dict.fromkeys((*LIMITS, "transaction_timeout"), "70s"))
    with psycopg.connect(dsn) as others:
        assert others.execute("SHOW lock_timeout").fetchone() == ("70s",)
    with connect(dsn) as ours:
        found = dict(ours.execute("SELECT name, setting FROM pg_settings WHERE name LIKE '%\\_timeout'").fetchall())
    assert {found[name] for name in LIMITS} == {found.get("transaction_timeout", "0")} == {"0"}


@pytest.mark.parametrize(("kept", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_a_commit_is_on_the_disk_when_it_is_told_whatever_others_do_without(dsn: str, kept: str, ours: str) -> None:
    set_for_everybody(dsn, synchronous_commit=kept)
    with connect(dsn) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == (ours,)


def test_an_administrator_sees_which_process_a_session_belongs_to(dsn: str) -> None:
    with connect(dsn) as connection:
        assert connection.execute("SHOW application_name").fetchone() == (f"onecard, process {os.getpid()}",)
    with connect(make_conninfo(dsn, application_name="mine")) as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("mine",)
