"""`restore-rows`: what decisions remember, made again from the log."""

from contextlib import closing
from typing import Any, Final

from ledger.store.lease import LeaseLost
from ledger.store.recorder import History
from ops.cli.bars import bar
from ops.cli.opening import opened
from ops.cli.output import Json, answer, counted, for_people, unable
from ops.cli.verify import findings_table
from ops.collector import expect_a_long_run
from projections.verification import rows

# Behind a new version of the program every row there is may be put right.
MOST_SHOWN: Final = 20


def restore_rows(as_json: Json = False) -> int:
    """Make what decisions remember again from the log.

    After `verify` found rows or clearing units that the log does not make, or when a new version of the program asks
    for it. Everything is derived as by `verify`; rows that differ are put right in one transaction, and whoever submits
    waits meanwhile. A damaged log changes nothing: exit 1 and its findings.

    \b
    Example:
      onecard restore-rows
    """
    expect_a_long_run()
    with opened() as ledger, closing(ledger.connect()) as connection:
        with bar("deriving", History(connection).head()) as show:
            try:
                restored = rows.restore(connection, ledger.config, ledger.keyring, show)
            except LeaseLost:
                unable("Another process began to decide meanwhile, and nothing was written: run this again.")
    found = restored.as_json()
    return answer(found, as_json, _show, ok=found["ok"])


def _show(found: dict[str, Any]) -> None:
    remaining, done = found["findings"], found["put_right"]
    with for_people() as console:
        findings_table(console, done[:MOST_SHOWN])
        if len(done) > MOST_SHOWN:
            console.print("... and more: --json lists up to 10,000 of each kind.")
        findings_table(console, remaining)
        at = f"up to position {found['position']:,}"
        if found["rows"] is None:
            console.print(
                f"Nothing was written: {counted(len(remaining), 'finding')} about the log or what was written with it,"
                f" {at}, and rows are made from these. See findings A in docs/operating.md."
            )
            return
        if found["rows"] or found["units"]:
            made = f"{counted(found['rows'], 'row')} and {counted(found['units'], 'clearing unit')}"
            console.print(f"Put right {made}: they are what the log makes of them {at}.")
        else:
            console.print(f"Every row is what the log makes of it {at}: nothing to put right.")
        if remaining:
            console.print("What is left stands in the log or its receipts, and no row depends on it: findings A.")
