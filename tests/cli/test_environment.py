"""What lies around the program: no server, a full disk, a view that was never built, a stop in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from ledger.service import run
from tests.cli.lines import SN, activate, contribute, issue, write
from tests.fix_command import Onecard
from tests.fix_postgres import Databases
from tests.house.tree import ROOT

QUESTIONS = [
    ("balance", SN),
    ("accounts",),
    ("trial-balance",),
    ("history", SN),
    ("explain", SN),
    ("statement", SN, "--from", "2025-01-01", "--to", "2025-01-31"),
    ("rebuild", "balances"),
]


@pytest.mark.parametrize("arguments", [*QUESTIONS, ("lag",), ("status",), ("follow",)], ids=" ".join)
def test_no_server_is_one_sentence_without_a_password(
    onecard: Onecard, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ONECARD_DATABASE_URL", "postgresql://someone:hush@127.0.0.1:1/nowhere")
    ended = onecard(*arguments, "--json")
    assert (ended.code, ended.json["error"]["code"], ended.stderr) == (3, "environment", "")
    people = onecard(*arguments)
    assert (people.code, people.stdout, people.stderr.count("\n")) == (3, "", 1)
    assert "hush" not in ended.stdout + people.stderr


@pytest.mark.parametrize("arguments", QUESTIONS, ids=" ".join)
def test_a_view_that_is_not_built_says_how_to_build_it(onecard: Onecard, arguments: tuple[str, ...]) -> None:
    ended = onecard(*arguments, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "onecard follow" in ended.json["error"]["message"]


@pytest.mark.parametrize("command", ["relay", "restore-tail"])
def test_without_kafka_its_setting_is_named(onecard: Onecard, command: str) -> None:
    ended = onecard(command, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "ONECARD_KAFKA_BOOTSTRAP" in ended.json["error"]["message"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("option", ["--receipts", "--rejects"])
def test_a_full_disk_stops_the_run_and_the_same_command_finishes_it(
    onecard: Onecard, tmp_path: Path, option: str
) -> None:
    lines = [issue(), activate(), *(contribute(f"c{n}", amount_fen=n) for n in range(40))]
    file = write(tmp_path / "file", *lines)
    ended = onecard("submit", file, option, "/dev/full", "--batch", 4, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "No space left" in ended.json["error"]["message"] and "/dev/full" in ended.json["error"]["message"]

    again = onecard("submit", file, "--receipts", tmp_path / "receipts", "--rejects", tmp_path / "rejects", "--json")
    assert (again.code, again.json["recorded"], again.json["rejected"]) == (1, 41, 1)
    positions = [json.loads(line)["position"] for line in (tmp_path / "receipts").read_text().splitlines()]
    assert positions == list(range(1, 42))


def test_the_server_going_away_in_the_middle_is_told_and_the_same_command_finishes(
    onecard: Onecard, databases: Databases, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.service.session.RECONNECT_SECONDS", 1)
    file = write(tmp_path / "file", issue(), activate(), *(contribute(f"c{n}", amount_fen=n + 1) for n in range(40)))
    batches = run.read_batches

    def interrupted(*arguments, **named):  # type: ignore[no-untyped-def]
        for number, batch in enumerate(batches(*arguments, **named)):
            if number == 5:
                _close_down(databases, dsn)
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(run, "read_batches", interrupted)
        ended = onecard("submit", file, "--batch", 4, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (3, "environment")
    assert "same command" in ended.json["error"]["message"]

    _open_again(databases, dsn)
    again = onecard("submit", file, "--receipts", tmp_path / "receipts", "--json")
    assert (again.code, again.json["recorded"], again.json["duplicate"]) == (0, 42, 0)
    positions = [json.loads(line)["position"] for line in (tmp_path / "receipts").read_text().splitlines()]
    assert positions == list(range(1, 43))


def _close_down(databases: Databases, dsn: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(databases.dsn, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def _open_again(databases: Databases, dsn: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(databases.dsn, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]


def _started(*arguments: str) -> "subprocess.Popen[bytes]":
    """A process of its own, in the environment that the `onecard` fixture has set."""
    program = "import sys; from ops.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_follow_runs_until_it_is_told_to_stop_and_says_what_it_did(
    onecard: Onecard, tmp_path: Path, number: signal.Signals
) -> None:
    onecard("submit", write(tmp_path / "file", issue(), activate()))
    process = _started("follow", "--json")
    try:
        for _ in range(600):
            followers = onecard("lag", "--json").json["followers"]
            if all(one["running"] and one["behind"] == 0 for one in followers):
                break
            time.sleep(0.05)
        onecard("submit", write(tmp_path / "more", contribute()))
        while any(one["behind"] for one in onecard("lag", "--json").json["followers"]):
            time.sleep(0.05)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, b"")
    assert {one["applied"] for one in json.loads(out)["followers"]} == {3}
    assert not any(one["running"] for one in onecard("lag", "--json").json["followers"])


def test_ctrl_c_tells_that_the_same_command_goes_on(onecard: Onecard, tmp_path: Path) -> None:
    lines = [issue(), activate(), *(contribute(f"c{n}", amount_fen=n + 1) for n in range(20_000))]
    file = write(tmp_path / "file", *lines)
    receipts = tmp_path / "receipts"
    process = _started("submit", str(file), "--receipts", str(receipts), "--batch", "50")
    try:
        while not (receipts.exists() and receipts.stat().st_size > 10_000):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert b"same command" in err and b"Traceback" not in err
    again = onecard("submit", file, "--receipts", receipts, "--json")
    assert (again.json["recorded"], again.json["duplicate"]) == (20_002, 0)
    assert [json.loads(line)["position"] for line in receipts.read_text().splitlines()] == list(range(1, 20_003))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("form", ["", "--jsonl", "--json"], ids=["table", "jsonl", "json"])
def test_a_disk_that_is_full_is_the_surroundings_and_is_told_in_one_line(
    onecard: Onecard, tmp_path: Path, form: str
) -> None:
    onecard("submit", write(tmp_path / "file", issue(), activate(), contribute()))
    onecard("follow", "--until-caught-up")
    program = "import sys; from ops.cli.entry import main; sys.exit(main())"
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c '{program}' accounts {form} >/dev/full"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    told = "onecard: The output cannot be written: No space left on device.\n"
    assert (ended.returncode, ended.stderr) == (3, told)


def test_ctrl_c_while_the_program_is_still_loaded_is_no_traceback() -> None:
    """A finder stands for the one who presses it."""
    program = (
        "import sys\nfrom ops.cli.entry import main\nclass Pressed:\n"
        "    def find_spec(self, *_):\n        raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed()); sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "onecard: interrupted.\n")


@pytest.mark.parametrize("form", [(), ("--json",), ("--jsonl",), ("--help",)], ids=["table", "json", "jsonl", "help"])
def test_a_reader_that_went_away_ends_a_command_quietly_as_sigpipe_would(
    onecard: Onecard, tmp_path: Path, form: tuple[str, ...]
) -> None:
    onecard("submit", write(tmp_path / "file", issue(), activate(), contribute()))
    onecard("follow", "--until-caught-up")
    process = _started("accounts", *form)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert (process.wait(20), process.stderr.read()) == (141, b"")


@pytest.mark.parametrize(("gone", "form"), [("receipts", ()), ("rejects", ()), ("rejects", ("--json",))])
def test_a_submit_whose_reader_went_away_says_by_its_exit_code_that_it_did_not_come_to_the_end(
    onecard: Onecard, tmp_path: Path, gone: str, form: tuple[str, ...]
) -> None:
    wrong = [contribute(f"c{n}", amount_fen=0) for n in range(3_000)]
    process = _started("submit", str(write(tmp_path / "file", issue(), *wrong)), "--batch", "10", *form)
    assert process.stdout is not None and process.stderr is not None
    left, closed = (process.stderr, process.stdout) if gone == "receipts" else (process.stdout, process.stderr)
    closed.close()
    told = left.read()
    assert process.wait(20) == 3
    assert (b"stdout cannot be written: Broken pipe." in told) is (gone == "receipts")


@pytest.mark.parametrize(("closed", "code", "told"), [(">&-", 3, "stdout is closed"), ("2>&-", 0, "")])
def test_a_stream_that_is_closed_is_no_traceback(closed: str, code: int, told: str) -> None:
    command = f"{sys.executable} -c 'import sys; from ops.cli.main import main; sys.exit(main())' schemas list {closed}"
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, "Traceback" in ended.stderr, told in ended.stderr) == (code, False, True)


def test_a_terminal_that_is_too_narrow_breaks_no_figure(
    onecard: Onecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onecard("submit", write(tmp_path / "lines", issue(), activate(), contribute(amount_fen=123456789)))
    onecard("follow", "--until-caught-up")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "30")
    for question in ("accounts", f"balance {SN}", f"explain {SN}", f"history {SN}", "trial-balance"):
        assert "1,234,567.89" in onecard(*question.split()).stdout, question
