"""Either mode ends in a connection string that works, or in a sentence that says what to do."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.store.arrays import column
from ops import database
from ops.database import open_database
from ops.problems import EnvironmentProblem
from ops.server_sizing import GB, MB, server_settings
from ops.settings import Settings
from ops.wiring import Ledger
from tests.cli.lines import issue, write
from tests.fix_command import Onecard, as_url
from tests.fix_postgres import Databases


def quiet(_: str) -> None:
    return


def url_of(dsn: str, **changed: str) -> str:
    return as_url(make_conninfo(dsn, **changed))


def test_a_server_named_by_url_is_used_as_it_is(dsn: str) -> None:
    with open_database(Settings(database_url=url_of(dsn)), quiet) as given:
        assert given == url_of(dsn)
        psycopg.connect(given).close()


def test_without_a_url_the_embedded_server_answers(tmp_path: Path) -> None:
    with open_database(Settings(home=tmp_path / "home"), quiet) as given:
        psycopg.connect(given).close()


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    url = "postgresql://someone:open-sesame@127.0.0.1:1/ledger"
    with pytest.raises(EnvironmentProblem) as told, open_database(Settings(database_url=url), quiet):
        pytest.fail("nobody listens on port 1")
    assert str(told.value).startswith("PostgreSQL at 127.0.0.1 port 1, database ledger does not let us in")
    assert "open-sesame" not in str(told.value)


def test_a_database_that_is_not_there_is_told_by_its_name(dsn: str) -> None:
    url = url_of(dsn, dbname="nowhere")
    with (
        pytest.raises(EnvironmentProblem, match='"nowhere" does not exist'),
        open_database(Settings(database_url=url), quiet),
    ):
        pytest.fail("there is no such database")


def test_a_database_that_does_not_keep_utf_8_is_refused(databases: Databases) -> None:
    with psycopg.connect(databases.dsn, autocommit=True) as connection:
        connection.execute("create database latin template template0 encoding 'LATIN1' locale 'C' locale_provider libc")
    url = url_of(databases.dsn, dbname="latin")
    try:
        with (
            pytest.raises(EnvironmentProblem, match="keeps its text as LATIN1"),
            open_database(Settings(database_url=url), quiet),
        ):
            pytest.fail("text would be lost")
    finally:
        databases.drop(url)


def test_a_machine_that_vanished_is_noticed_within_a_minute_by_both_sides(dsn: str) -> None:
    """Its locks are another's then; the system's own two hours are nobody's idea of standing by."""
    for url, idle in ((dsn, "30"), (f"{url_of(dsn)}&keepalives_idle=7", "7")):
        ledger = Ledger(Settings(), url, "33", "", Configuration(), Keyring(bytes(32)))
        with ledger.connect() as connection:
            told = connection.info.get_parameters()
            assert (told["keepalives_idle"], told["tcp_user_timeout"]) == (idle, "60000")
            if connection.info.hostaddr:  # a socket of this machine has no need of it, and says 0
                assert connection.execute("SHOW tcp_keepalives_idle").fetchone() == ("30",)


def test_text_is_utf_8_whatever_the_environment_says(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of what is kept is sent as bytes, which the server would take for what PGCLIENTENCODING names."""
    monkeypatch.setenv("PGCLIENTENCODING", "GBK")
    with Ledger(Settings(), dsn, "33", "", Configuration(), Keyring(bytes(32))).connect() as connection:
        assert connection.execute("SELECT %s::text[]", (column("text", ["消息"]),)).fetchone() == (["消息"],)


def test_the_embedded_server_takes_a_fair_share_of_any_machine() -> None:
    small = server_settings("store", GB, 8 * GB)
    large = server_settings("store", 64 * GB, 500 * GB)
    assert (small["shared_buffers"], large["shared_buffers"]) == ("256MB", "4096MB")
    assert (small["max_wal_size"], large["max_wal_size"]) == ("1638MB", "16384MB")
    assert (small["work_mem"], large["work_mem"]) == ("4MB", "64MB")
    for sized in (small, large):
        assert (sized["fsync"], sized["synchronous_commit"], sized["full_page_writes"]) == ("on", "on", "on")
        assert (sized["jit"], sized["wal_compression"]) == ("off", "off")
    assert server_settings("test", 64 * GB, 500 * GB)["shared_buffers"] == f"{64 * MB // MB}MB"


class Asked:
    """A connection of which no more is known than the process that was told when it was made."""

    class info:
        backend_pid = 1

    def __enter__(self) -> "Asked":
        return self

    def __exit__(self, *error: object) -> None:
        return


@pytest.mark.parametrize(
    ("answering", "is_shared"),
    [((1,), False), ((7, 8, 7), False), ((7, 7), True), ((7, 8, 9), True)],
    ids=["the server itself", "pooled by session", "lent to the next at once", "another one than before"],
)
def test_a_pooler_that_lends_a_session_for_a_transaction_is_noticed(
    monkeypatch: pytest.MonkeyPatch, answering: tuple[int, ...], is_shared: bool
) -> None:
    """Locks would be left with whoever is lent the session next. `answering`: the process at each question."""
    asked = iter(answering)
    monkeypatch.setattr(database, "_connected", lambda _: Asked())
    monkeypatch.setattr(database, "_process", lambda _: next(asked))
    assert database._shares_sessions(Asked(), "") is is_shared  # type: ignore[arg-type]
    assert list(asked) == []


def test_a_database_that_may_only_be_read_is_told_with_what_to_do(
    onecard: Onecard, databases: Databases, dsn: str, tmp_path: Path
) -> None:
    """A standby refuses in the same words."""
    file = write(tmp_path / "file", issue())
    name = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(databases.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        made = onecard("submit", file)
        connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
        assert onecard("status").code == 0
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    assert onecard("status").code == 0
    for ended in (made, onecard("submit", file)):
        assert (ended.code, ended.stderr.count("\n")) == (3, 1)
        assert "may only be read" in ended.stderr and "target_session_attrs=read-write" in ended.stderr
