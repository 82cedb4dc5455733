"""A server named by URL, as a province has one: prepared as the documents say, reached over TCP and TLS.

The server is of another version than the embedded one, and what is told and written must not differ.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.store.connecting import connect
from ops.database import check_server
from ops.problems import EnvironmentProblem
from ops.settings import Settings
from ops.wiring import open_ledger
from projections.feed.log import LogFeed
from tests.certificates import Authority
from tests.fix_command import Ended, Onecard
from tests.fix_servers import ADMIN, PASSWORD, Server
from tests.house.tree import ROOT

PREPARATION = re.compile(r"\n\n((?:    [A-Z].*\n)*    CREATE DATABASE .*\n)")
FIRST_WITH_SET = 160_000
LINES = 800
JULY = ("--submitter", "NHSA", "--occurred-at", "2025-08-02T09:00:00+08:00")
CLOCK = "2025-08-05T10:00:00+08:00"


@pytest.fixture(scope="module")
def prepared(named_server: Server) -> Server:
    """As docs/operating.md has an administrator do it; with a second database whose users come with a certificate."""
    found = PREPARATION.search((ROOT / "docs" / "operating.md").read_text(encoding="utf-8"))
    assert found is not None, "the document does not say any more how a server is prepared"
    statements = found[1].replace("PASSWORD '...'", f"PASSWORD '{PASSWORD}'")
    if int(str(named_server.administer("SHOW server_version_num")[0][0])) < FIRST_WITH_SET:
        statements = statements.replace(" WITH SET TRUE", "")
    named_server.administer(*(one.strip() for one in statements.splitlines()))
    named_server.administer("CREATE DATABASE certified OWNER onecard ENCODING 'UTF8' TEMPLATE template0")
    return named_server


@pytest.fixture
def certified(prepared: Server) -> str:
    """The URL of a database whose owner shows a certificate instead of a password."""
    certificate, key = prepared.authority.user("onecard")
    return prepared.url("onecard", "certified", None, sslcert=str(certificate), sslkey=str(key))


def day(onecard: Onecard, folder: Path) -> Iterator[Ended]:
    """A small day, a month's clearing, and everything derived and checked."""
    folder.mkdir()
    lines, receipts, rejects = folder / "day.jsonl", folder / "receipts.jsonl", folder / "rejects.jsonl"
    yield onecard("simulate", "--lines", LINES, "--seed", 7, "--out", lines, clock=CLOCK)
    yield onecard("submit", lines, "--receipts", receipts, "--rejects", rejects)
    yield Ended(0, receipts.read_text(encoding="utf-8"), rejects.read_text(encoding="utf-8"))
    yield onecard("follow", "--until-caught-up")
    yield onecard("tick", "--until", "2025-07-31T00:00:00+08:00")
    yield onecard("clearing", "cut-off", "2025-07", "--reference", "cut", *JULY)
    yield onecard("clearing", "close", "2025-07", "--reference", "close", *JULY)
    yield onecard("clearing", "notices", "2025-07", "--json")
    yield onecard("rebuild", "--all")
    yield onecard("trial-balance", "--json")
    yield onecard("verify", "--against", "views", "--json")


def test_a_day_on_a_server_of_another_version_is_the_day_on_the_embedded_one(
    onecard: Onecard, prepared: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(32)))
    monkeypatch.setenv("ONECARD_SECRET_FILE", str(secret))
    wanted = list(day(onecard, tmp_path / "wanted"))
    monkeypatch.setenv("ONECARD_DATABASE_URL", prepared.url("onecard", "onecard"))
    found = list(day(onecard, tmp_path / "found"))

    assert [one.code for one in found if one.code != 1] == [one.code for one in wanted if one.code != 1]
    assert wanted[2].stdout.count("\n") > LINES // 2
    assert [one.stdout.replace("found", "wanted") for one in found] == [one.stdout for one in wanted]


def test_a_writer_and_a_follower_speak_tls_and_are_woken(prepared: Server, certified: str, tmp_path: Path) -> None:
    settings = Settings(database_url=certified, home=tmp_path)
    with (
        open_ledger(settings, lambda _: None) as ledger,
        ledger.writer() as writer,
        closing(LogFeed("33", ledger.connect)) as feed,
    ):
        assert feed.wait(0)  # listens from now on
        with ledger.connect() as teller:
            teller.execute("NOTIFY ledger_events")
        assert feed.wait(10)
        plain = "SELECT count(*) FILTER (WHERE ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
        encrypted, all_of_them = prepared.administer(f"{plain} WHERE usename = 'onecard'")[0]
        assert encrypted == all_of_them >= 6
        assert writer.head() == 0


def test_much_that_nobody_has_read_yet_does_not_stop_a_pipeline_within_tls(certified: str) -> None:
    """Records of TLS hold what the socket does not show any more, in either direction."""
    sent = "x" * 300_000
    with connect(certified) as connection:
        with connection.pipeline():
            asked = [connection.execute("SELECT %s || repeat('y', 200000)", (sent,)) for _ in range(30)]
            told = [cursor.fetchone() for cursor in asked]
    assert told == [(sent + "y" * 200_000,)] * 30


# --- what is told when TLS does not come about -----------------------------------------------------------------------

FAULTS: dict[str, tuple[Callable[[Server], str], str, str]] = {
    "an authority that did not sign": (
        lambda server: server.url(ADMIN, "postgres", sslrootcert=str(Authority(server.folder / "stranger.pem").file)),
        "certificate verify failed",
        "openssl s_client -starttls postgres -connect localhost:",
    ),
    "no file of an authority": (
        lambda server: server.url(ADMIN, "postgres", sslrootcert="/nowhere/authority.pem"),
        '"/nowhere/authority.pem" does not exist',
        "by sslrootcert",
    ),
    "another name": (
        lambda server: server.url(ADMIN, "postgres", host="db.example"),
        'does not match host name "db.example"',
        "as its certificate does",
    ),
    "no certificate of the user": (
        lambda server: server.url("onecard", "certified", None),
        "requires a valid client certificate",
        "by sslcert and sslkey",
    ),
    "a stranger's certificate of the user": (
        lambda server: strangers(server),
        "unknown ca",
        "by sslcert and sslkey",
    ),
    "no TLS where the server wants it": (
        lambda server: server.url("onecard", "onecard", sslmode="disable"),
        "no encryption",
        "add sslmode=verify-full and sslrootcert",
    ),
    "a wrong password where TLS is tried first": (
        lambda server: server.url("onecard", "onecard", "open-sesame", sslmode="prefer"),
        'password authentication failed for user "onecard"',
        "correct user and password",
    ),
    "a mode there is not": (
        lambda server: server.url(ADMIN, "postgres", sslmode="verify_full"),
        'invalid sslmode value: "verify_full"',
        "correct that part of ONECARD_DATABASE_URL",
    ),
    "an option there is not": (
        lambda server: server.url(ADMIN, "postgres", sslmod="verify-full"),
        "it knows no option 'sslmod'",
        "",
    ),
}


def strangers(server: Server) -> str:
    certificate, key = Authority(server.folder / "stranger.pem").user("onecard")
    return server.url("onecard", "certified", None, sslcert=str(certificate), sslkey=str(key))


def told(url: str) -> str:
    with pytest.raises(EnvironmentProblem) as problem:
        check_server(url)
    message = str(problem.value)
    for secret in (PASSWORD, "open-sesame", "%40"):
        assert secret not in message
    assert "\n" not in message and message.endswith(".")
    return message


@pytest.mark.parametrize("fault", FAULTS)
def test_why_tls_does_not_come_about_is_told_with_what_to_do_and_without_the_password(
    prepared: Server, fault: str
) -> None:
    url, gist, advice = FAULTS[fault]
    message = told(url(prepared))
    assert gist in message and advice in message


def test_an_expired_certificate_is_told_as_what_it_may_be(prepared: Server) -> None:
    prepared.keep(prepared.authority.server(expired=True))
    prepared.reload()
    try:
        assert "or that has expired" in told(prepared.url(ADMIN, "postgres"))
    finally:
        prepared.keep(prepared.authority.server())
        prepared.reload()
    check_server(prepared.url(ADMIN, "postgres"))


def test_a_server_without_tls_is_refused_where_tls_is_required(prepared: Server) -> None:
    prepared.administer("ALTER SYSTEM SET ssl = off")
    prepared.reload()
    try:
        assert "server does not support SSL" in (message := told(prepared.url(ADMIN, "postgres")))
        assert "turn `ssl` on at the server" in message
    finally:
        prepared.administer("ALTER SYSTEM RESET ssl")
        prepared.reload()


def test_a_url_split_within_its_password_does_not_show_what_it_was_taken_for() -> None:
    with pytest.raises(EnvironmentProblem) as problem:
        check_server("postgresql://onecard:open?sesame=one@localhost/onecard")
    assert "sesame" not in str(problem.value)
