"""Figures of one province's pension run: from its file to the bank's instruction, and back through the bank's results.

Every step is the command that an office types, in a process of its own, so that its memory is its own as well. Cards
are issued first and not measured.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from ops.bench.figures import Figures, elapsed, rate
from ops.bench.rig import BATCH, SEED, Rig
from ops.payouts import result
from ops.problems import EnvironmentProblem
from ops.settings import environment_of_home
from ops.simulate import START
from ops.simulate.people import People

PROVINCE: Final = "34"
NAMES: Final = '"batch_id":"pension-run"'
RETURNED_EVERY: Final = 100
REASONS: Final = ("ACCOUNT_CLOSED", "NAME_MISMATCH", "ACCOUNT_DORMANT")
MILLISECOND: Final = 1_000_000
KB_A_MB: Final = 1_024
# What the system calls the peak of a process begins with its parent's, so the process says itself what its own was.
COMMAND: Final = """
import sys
from ops.cli.main import main
code = main()
with open("/proc/self/status") as status:
    sys.stderr.write("".join(line for line in status if line.startswith("VmHWM")))
sys.exit(code)
"""
PEAK: Final = re.compile(r"VmHWM:\s+([0-9]+) kB\n\Z")


@dataclass(frozen=True, slots=True)
class Ran:
    """How long a command took, in nanoseconds, and the most memory it had, in MB."""

    took: int
    memory: int


def payouts(rig: Rig, figures: Figures) -> None:
    """One batch, once: a run of minutes is its own mean."""
    lines, folder = rig.scale.payout_lines, rig.folder
    run = PensionRun(lines)
    sent, instruction, results = (folder / name for name in ("sent.jsonl", "instruction.csv", "results.csv"))
    _write(folder / "cards.jsonl", run.cards())
    _submitted(rig, folder / "cards.jsonl")
    _write(folder / "lines.jsonl", chain(run.opening(), run.lines()))
    _write(sent, run.sending())
    _write(folder / "close.jsonl", run.closing())

    added = _submitted(rig, folder / "lines.jsonl")
    sending = _submitted(rig, sent)
    exported = _ran(rig, "payouts", "export", "pension-run", "--out", str(instruction))
    _write(results, run.results(instruction))
    imported = _ran(rig, "payouts", "import", str(results), *_answers(results))
    closed = _submitted(rig, folder / "close.jsonl")
    nothing = [_ran(rig, "--help") for _ in range(rig.scale.passes)]

    figures.add("raw_command_memory", "MB", [one.memory for one in nothing])
    raw = next(one.median for one in figures.all if one.name == f"raw_insert_{BATCH}")
    figures.add("raw_payouts", "ms", [max(1, 2 * lines * 1_000 // raw)])
    figures.add("payouts_add", "commands/s", [rate(lines, added.took)], f"raw_insert_{BATCH}")
    figures.add("payouts_export", "lines/s", [rate(lines, exported.took)], "raw_avro_decode")
    figures.add("payouts_import", "lines/s", [rate(lines, imported.took)], f"raw_insert_{BATCH}")
    every = (added, sending, exported, imported, closed)
    figures.add("payouts", "ms", [sum(one.took for one in every) // MILLISECOND], "raw_payouts")
    figures.add("payouts_memory", "MB", [max(one.memory for one in every)], "raw_command_memory")


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(lines)


def _submitted(rig: Rig, path: Path) -> Ran:
    return _ran(rig, "submit", str(path), *_answers(path))


def _answers(path: Path) -> tuple[str, ...]:
    """Where an office keeps what it was answered."""
    return "--receipts", f"{path}.receipts", "--rejects", f"{path}.rejects", "--json"


def _ran(rig: Rig, *arguments: str) -> Ran:
    """Run a command of `onecard` to its end, which must be a good one."""
    environment = environment_of_home(rig.ledger.settings.home)
    told = ""

    def work() -> None:
        nonlocal told
        ended = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        told = ended.stderr
        if ended.returncode:
            raise RuntimeError(f"onecard {arguments[0]} ended with {ended.returncode}: {told[-500:]}")

    took = elapsed(work)
    peak = PEAK.search(told)
    if peak is None:
        raise EnvironmentProblem("This system does not tell how much memory a process had at most: payouts need Linux.")
    return Ran(took, int(peak.group(1)) // KB_A_MB)


class PensionRun:
    """The files of one batch, as its office and its bank write them."""

    def __init__(self, lines: int) -> None:
        self._count = lines
        # Another seed than the day's: the same people have cards there already.
        self._people = People(SEED + 1, (PROVINCE,), 3, START.year)
        self._number = 0

    def _line(self, command: str, days_before: int, rest: str) -> str:
        self._number += 1
        when = f"{START - timedelta(days=days_before)}T09:00:00+08:00"
        return (
            f'{{"command":"{command}","submitter":"pensions-{PROVINCE}","reference":"run-{self._number}",'
            f'"occurred_at":"{when}",{rest}}}\n'
        )

    def cards(self) -> Iterator[str]:
        people, expires = self._people, START + timedelta(days=3_651)
        for i in range(self._count):
            yield self._line(
                "IssueCard",
                20,
                f'"card_sn":"{people.sn(i)}","card_number":"{people.number(i)}",'
                f'"social_security_number":"{people.person(i)}","bank":"ICBC",'
                f'"bank_account":"{people.bank_account(i)}","guardian":"{people.person(people.adult(i))}",'
                f'"expires_on":"{expires}"',
            )

    def opening(self) -> Iterator[str]:
        total = sum(map(self._amount, range(self._count)))
        line = f'"province":"{PROVINCE}","programme":"PENSION"'
        yield self._line("IssueBudget", 12, f'{line},"amount_fen":{2 * total},"document":"pensions of the year"')
        yield self._line(
            "OpenPayoutBatch",
            11,
            f'{NAMES},{line},"kind":"PENSION","period":"{START:%Y-%m}","batch_type":"NORMAL","bank":"ICBC",'
            f'"acting_person":"{self._people.person(0)}","planned_count":{self._count},"planned_fen":{total}',
        )

    def lines(self) -> Iterator[str]:
        people = self._people
        for i in range(self._count):
            person = people.person(i)
            yield self._line(
                "AddPayoutLine",
                10,
                f'{NAMES},"line_id":"L{i:07}","card_sn":"{people.sn(i)}","beneficiary":"{person}","payee":"{person}",'
                f'"relationship":"SELF","bank_account":"{people.bank_account(i)}","amount_fen":{self._amount(i)}',
            )

    def sending(self) -> Iterator[str]:
        yield self._line("ApproveBatch", 3, f'{NAMES},"acting_person":"{self._people.person(1)}"')
        yield self._line("SendBatch", 2, f'{NAMES},"application_id":"pension-run-1"')

    def results(self, instruction: Path) -> Iterator[str]:
        """What the bank answers to the instruction: one line of a hundred came back."""
        yield result.HEADER + "\n"
        when = f"{START - timedelta(days=1)}T09:00:00+08:00"
        with instruction.open(encoding="utf-8") as file:
            columns = file.readline().rstrip("\n").split(",")
            for number, row in enumerate(file):
                cells = dict(zip(columns, row.rstrip("\n").split(","), strict=True))
                is_returned = number % RETURNED_EVERY == RETURNED_EVERY - 1
                cells["result"] = result.RETURNED if is_returned else result.PAID
                cells["reason"] = REASONS[number // RETURNED_EVERY % len(REASONS)] if is_returned else ""
                cells["bank_transaction"] = f"T{number:07}"
                cells["occurred_at"] = when
                yield ",".join(cells[name] for name in result.COLUMNS) + "\n"

    def closing(self) -> Iterator[str]:
        yield self._line("CloseBatch", 0, NAMES)

    @staticmethod
    def _amount(i: int) -> int:
        """Between 1,500 and 6,500 yuan a month."""
        return 150_000 + i * 7_919 % 500_000
