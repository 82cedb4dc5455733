"""Who the embedded server runs as, judged by permission bits alone."""

import os
import pwd
from pathlib import Path

import pytest

from ops import server_account as accounts
from ops.problems import EnvironmentProblem
from ops.server_account import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, Account, server_account

SOMEBODY = pwd.getpwnam("nobody")


@pytest.fixture
def closed_to_others(tmp_path: Path) -> Path:
    place = tmp_path / "closed"
    place.mkdir(mode=0o700)
    (place / "inside").mkdir()
    return place / "inside"


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "ACCOUNTS", ("nobody",))


def test_a_user_runs_the_server_without_changing_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert server_account(tmp_path / "data", [tmp_path]) is None


def test_the_data_of_another_user_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(EnvironmentProblem, match=f"belongs to user {owner}; run as that user"):
        server_account(tmp_path, [])


@pytest.mark.usefixtures("as_root")
def test_root_steps_down_and_keeps_nothing_where_everyone_may_pass() -> None:
    assert server_account(Path("/nonexistent"), [Path("/usr")]) == Account(SOMEBODY.pw_uid, SOMEBODY.pw_gid)


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("held", "kept"),
    [
        (1 << CAP_DAC_READ_SEARCH | 1 << CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH),
        (1 << CAP_DAC_OVERRIDE, CAP_DAC_OVERRIDE),
    ],
)
def test_root_keeps_the_least_capability_that_opens_a_closed_place(
    closed_to_others: Path, monkeypatch: pytest.MonkeyPatch, held: int, kept: int
) -> None:
    monkeypatch.setattr(accounts, "_permitted_capabilities", lambda: held)
    account = server_account(Path("/nonexistent"), [closed_to_others])
    assert account is not None and account.capability == kept


@pytest.mark.usefixtures("as_root")
def test_root_without_capabilities_is_told_which_place_is_closed(
    closed_to_others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_permitted_capabilities", lambda: 0)
    with pytest.raises(EnvironmentProblem, match=f"user nobody cannot reach {closed_to_others}"):
        server_account(Path("/nonexistent"), [closed_to_others])
