"""Processes that are killed, and what they had told until then."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fix_stores import Store, Told
from tests.house.tree import ROOT

KILLED = -signal.SIGKILL


def start(work: str, *arguments: object, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.crash.driver", work, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, **more)


def run(work: str, *arguments: object) -> int:
    process = start(work, *arguments)
    _, errors = process.communicate()
    assert process.returncode in (0, KILLED), errors
    return process.returncode


def answers(out: Path) -> list[Told]:
    """What the process told: status, then what makes an outcome. A line cut by the kill is left out."""
    if not out.exists():
        return []
    text = out.read_text()
    return [tuple(json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


def submit_until_done(
    store: Store, files: Sequence[Path], out: Path, size: int, moments: Sequence[str]
) -> tuple[list[Told], int]:
    """Submit again after every kill; the last, whole answer, and how many kills there were."""
    kills = 0
    told_before: list[Told] = []
    for moment in [*moments, "never"]:
        ended = run("submit", store.dsn, out, size, moment, *files)
        found = answers(out)
        shared = min(len(found), len(told_before))
        assert [one[1:] for one in found[:shared]] == [one[1:] for one in told_before[:shared]], moment
        told_before = found
        kills += ended == KILLED
    assert ended == 0
    return found, kills
