"""Every question that can be put to a ledger, on everything there is to ask about."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ledger.core.identity import Keyring, stream_id_of
from projections.questions import audit, balances, clearing, clearing_lines, clearing_show
from projections.questions.audit import Selection
from projections.questions.snapshot import Cursor, Unknown
from tests.model.histories import SECRET
from tests.projections.national.nation import Nation

KEYS = Keyring(SECRET)
AN_INSTANT = 1_740_000_000_000_000
NEVER_CUT_OFF = "2029-01"
Question = Callable[[Cursor, str], Any]


def listed(lines: Any, name: str = "lines") -> dict[str, Any]:
    """The whole document of something that is read as it is written out."""
    return {name: list(lines.rows()), **lines.rest()}


def months(nation: Nation) -> list[str]:
    """Every month that some ledger cut off."""
    cut = (made.ask("SELECT cycle FROM ledger.clearing_cycles") for made in nation.provinces.values())
    return sorted({month for found in cut for (month,) in found})


def streams(nation: Nation, source: str) -> list[str]:
    """The busiest streams of a ledger, and one of every kind that several ledgers have."""
    found = nation.provinces[source].ask(
        "SELECT originator_id::text FROM ledger.events GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 12"
    )
    return [*(stream for (stream,) in found), *(stream_id_of("cycle", month) for month in months(nation)[:2])]


def names(nation: Nation, source: str) -> list[str]:
    """Settlements and notices of a ledger."""
    store = nation.provinces[source]
    return [
        name
        for table, column in (("bills", "settlement_id"), ("notices", "notice_id"))
        for (name,) in store.ask(f"SELECT DISTINCT {column} FROM views.clearing_v1_1_{table} ORDER BY 1 LIMIT 40")
    ]


def history(selection: Selection, stream: str, nation: Nation, cursor: Cursor, source: str) -> Any:
    return audit.history(cursor, source, stream, selection, nation.config, KEYS)


def lines(cycle: str | None, cursor: Cursor, source: str) -> Any:
    wanted = clearing_lines.Wanted(cycle=cycle)
    return listed(clearing_lines.Lines(cursor, source, wanted))


def questions(nation: Nation, source: str) -> dict[str, Question]:
    config = nation.config
    made: dict[str, Question] = {
        "accounts": lambda cursor, one: listed(balances.Accounts(cursor, one, None), "accounts"),
        "trial-balance": balances.trial_balance,
        "lines": partial(lines, None),
    }
    for stream in streams(nation, source):
        made[f"history {stream}"] = partial(history, Selection(), stream, nation)
        made[f"history {stream} as of"] = partial(history, Selection(as_of=AN_INSTANT), stream, nation)
        made[f"history {stream} recorded"] = partial(history, Selection(recorded_as_of=AN_INSTANT), stream, nation)
        made[f"history {stream} version 3"] = partial(history, Selection(at_version=3), stream, nation)
        made[f"balance {stream}"] = lambda cursor, one, at=stream: balances.balance(cursor, one, at, config, KEYS)
        made[f"explain {stream}"] = lambda cursor, one, at=stream: audit.explain(cursor, one, at)
        made[f"statement {stream}"] = lambda cursor, one, at=stream: audit.statement(cursor, one, at, 20_000, 20_200)
    for month in [*months(nation), NEVER_CUT_OFF]:
        made[f"lines {month}"] = partial(lines, month)
        made[f"table {month}"] = lambda cursor, one, at=month: clearing.table(cursor, one, at, config)
        made[f"notices {month}"] = lambda cursor, one, at=month: clearing.notices(cursor, one, at, config)
        made[f"net {month}"] = lambda cursor, one, at=month: clearing.net(cursor, one, at)
    for name in names(nation, source):
        made[f"show {name}"] = lambda cursor, one, at=name: clearing_show.show(cursor, one, at, config)
    return made


def answer(nation: Nation, question: Question, source: str, of: str | None = None) -> Any:
    """What is said, or the code of what is refused."""
    try:
        return nation.ask(lambda cursor: question(cursor, source), of)
    except Unknown as unknown:
        return unknown.code
