"""Clearing for people: tables in yuan with the provinces' names."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from rich.console import Console

from ops.cli.output import ROWS_FOR_PEOPLE, counted, for_people, table, yuan
from ops.cli.provinces import named
from ops.cli.sources import listed, nothing, told
from projections.questions.things import Listing

LINE_COLUMNS: Final = (
    "line", "kind", "home", "treatment", "type", "amount>", "settlement", "date", "state", "cycle", "deferred>", "",
)  # fmt: skip
ROW_COLUMNS: Final = (
    "book", "home", "treatment", "type", "lines>", "reversed>", "deductions>", "total>", "funds>", "accounts>",
    "other>", "deducted>", "payable>",
)  # fmt: skip


def line_row(line: dict[str, Any]) -> tuple[object, ...]:
    marks = [word for word in ("disputed", "held", "alarm") if line[word]]
    return (
        line["line_id"],
        line["kind"],
        named(line["home"]),
        named(line["treatment"]),
        f"{line['insutype']} {line['clr_type']}",
        yuan(line["amount_fen"]),
        line["settlement_id"],
        line["business_date"],
        line["state"],
        line["cycle"],
        line["deferrals"] or "",
        " ".join(marks).upper(),
    )


def table_row(row: dict[str, Any]) -> tuple[object, ...]:
    sums = (yuan(row[f"{name}_fen"]) for name in ("total", "fund", "account", "other", "deduction", "payable"))
    counts = (f"{row[name]:,}" if row[name] else "" for name in ("count", "reversed_count", "deduction_count"))
    key = row["book"], named(row["home"]), named(row["treatment"]), f"{row['insutype']} {row['clr_type']}"
    return (*key, *counts, *sums)


def show_lines(lines: Listing) -> None:
    """Lines as they come; the sums when all were read."""
    stream = lines.rows()
    with for_people() as console:
        first = list(islice(stream, ROWS_FOR_PEOPLE))
        more = sum(1 for _ in stream)
        found = lines.rest()
        if not first:
            console.print(nothing("lines", found["position"]))
            return
        console.print(listed(LINE_COLUMNS, first, line_row))
        if more:
            console.print(f"... and {more:,} more: narrow them down by --state, --home and the like, or take --jsonl.")
        sums = f"{counted(found['count'], 'line')} of {yuan(found['amount_fen'])} yuan together"
        console.print(f"{sums}, up to position {told(found['position'])}.")


def show_table(found: dict[str, Any], is_part: bool = False) -> None:
    with for_people() as console:
        print_table(console, found, is_part)


def print_table(console: Console, found: dict[str, Any], is_part: bool = False) -> None:
    """`is_part`: only some of its rows were asked for; what is counted and digested is the whole table all the same."""
    states = {
        "OPEN": "is open: this is what a cut-off would take of what happened up to the position below",
        "CUT_OFF": f"was cut off at position {told(found['cut_off_position'])} and is not closed yet",
        "CLOSED": f"was cut off at position {told(found['cut_off_position'])} and is closed",
    }
    console.print(f"Cycle {found['cycle']} {states[found['state']]}.")
    if found["rows"]:
        console.print(table(ROW_COLUMNS, map(table_row, found["rows"])))
    else:
        console.print("No such rows." if is_part else "No lines.")
    payable = f"Payable {yuan(found['payable_fen'])} yuan after deductions of {yuan(found['deduction_fen'])}"
    joined = " in the rows asked for. Of the whole table:" if is_part else ";"
    taken = f"{counted(found['line_count'], 'line')} taken, {found['deferred_count']:,} left for a later month"
    too_often = f", {found['alarm_count']:,} of them too often" if found["alarm_count"] else ""
    console.print(f"{payable}{joined} {taken}{too_often}.")
    if found["table_digest"] is not None:
        console.print(f"{'Digest of the whole table' if is_part else 'Table digest'} {found['table_digest']}.")
    print_reached(console, found)


def print_reached(console: Console, found: dict[str, Any]) -> None:
    console.print(f"Yuan, up to position {told(found['position'])}.")


def show_notices(found: dict[str, Any]) -> None:
    with for_people() as console:
        if found["state"] != "CLOSED" and not found["notices"]:
            console.print(f"Cycle {found['cycle']} is {found['state']}: notices come from closed cycles.")
            print_reached(console, found)
            return
        if not found["notices"]:
            console.print(nothing(f"notices of cycle {found['cycle']}", found["position"]))
            return
        columns = (
            "notice", "payer", "payee", "amount>", "paid>", "outstanding>", "of this cycle>", "brought forward>",
            "issued", "prepayment>", "used>", "alert",
        )  # fmt: skip
        console.print(listed(columns, found["notices"], _notice_row))
        outstanding = sum(notice["outstanding_fen"] for notice in found["notices"])
        count = f"{counted(len(found['notices']), 'pair')} in cycle {found['cycle']}"
        console.print(f"{count}, {yuan(outstanding)} yuan outstanding, up to position {told(found['position'])}.")


def _notice_row(notice: dict[str, Any]) -> tuple[object, ...]:
    prepayment = notice["prepayment"]
    used: tuple[object, ...] = ("", "", "")
    if prepayment is not None:
        usage = prepayment["usage_per_mille"]
        share = "no base" if usage is None else f"{usage // 10}.{usage % 10} %"
        level = "" if prepayment["level"] == "NONE" else prepayment["level"]
        used = yuan(prepayment["base_fen"]), share, f"{level} (raised)" if prepayment["alert_raised"] else level
    sides = (notice["payer"], notice["payee"]) if notice["payer"] else (notice["home"], notice["treatment"])
    sums = (yuan(notice[f"{name}_fen"]) for name in ("amount", "remitted", "outstanding", "payable", "brought_forward"))
    return (notice["notice_id"], *map(named, sides), *sums, "yes" if notice["issued"] else "no", *used)


def show_net(found: dict[str, Any]) -> None:
    columns = ("book", "a", "b", "a owes b>", "b owes a>", "net payer", "net>")
    rows = [
        (
            pair["book"],
            named(pair["a"]),
            named(pair["b"]),
            yuan(pair["a_owes_b_fen"]),
            yuan(pair["b_owes_a_fen"]),
            named(pair["net_payer"]),
            yuan(pair["net_fen"]),
        )
        for pair in found["pairs"]
    ]
    with for_people() as console:
        if not rows:
            console.print(nothing(f"pairs in cycle {found['cycle']}", found["position"]))
            return
        console.print(table(columns, rows))
        console.print("For information only: each direction is paid by its own notice.")
        print_reached(console, found)


def show_one(found: dict[str, Any]) -> None:
    with for_people() as console:
        if "notice" in found:
            for notice in _singles(found["notice"]):
                _print_notice(console, notice)
            _print_payments(console, found)
        else:
            for settlement in _singles(found["settlement"]):
                _print_settlement(console, settlement)
            _print_acts(console, found)
        print_reached(console, found)


def _singles(value: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The settlement or notice; of a national document each ledger's, with its source."""
    if value is None or "home" in value:
        return [] if value is None else [value]
    return [{"source": source, **single} for source, single in value.items() if single is not None]


def _of(single: dict[str, Any]) -> str:
    return f" of {single['source']}" if "source" in single else ""


def _print_notice(console: Console, notice: dict[str, Any]) -> None:
    sides = f"{named(notice['payer'])} pays {named(notice['payee'])}" if notice["payer"] else "nothing is to be paid"
    console.print(f"Notice {notice['notice_id']}{_of(notice)}: {sides} {yuan(notice['amount_fen'])} yuan.")
    brought = f"{yuan(notice['payable_fen'])} of this cycle, {yuan(notice['brought_forward_fen'])} brought forward"
    console.print(f"{brought}; {yuan(notice['remitted_fen'])} paid, {yuan(notice['outstanding_fen'])} outstanding.")


def _print_payments(console: Console, found: dict[str, Any]) -> None:
    if found["rows"]:
        console.print(listed(ROW_COLUMNS, found["rows"], table_row))
    if found["remittances"]:
        columns = ("remittance", "method", "amount>", "paid on", "position>")
        console.print(listed(columns, found["remittances"], _remittance_row))


def _remittance_row(one: dict[str, Any]) -> tuple[object, ...]:
    return one["remittance_id"], one["method"], yuan(one["amount_fen"]), one["paid_on"], one["position"]


def _print_settlement(console: Console, settlement: dict[str, Any]) -> None:
    flags = [word for word in ("confirmed", "disputed", "held") if settlement[word]]
    said = ", ".join([settlement["status"].lower(), *flags])
    name = f"{settlement['settlement_id']}{_of(settlement)}"
    console.print(f"Settlement {name} ({said}), card {settlement['card_id']}.")
    places = f"insured in {named(settlement['home'])}, treated in {named(settlement['treatment'])}"
    console.print(f"At {settlement['institution']}, {places}, {settlement['occurred_at']}.")
    names = "total account account_mutual_aid wallet cash hospital cleared".split()
    parts = [f"{name.replace('_', ' ')} {yuan(settlement[f'{name}_fen'])}" for name in names]
    parts += [f"fund {type} {yuan(amount)}" for type, amount in settlement["funds"].items()]
    console.print("; ".join(parts) + " yuan.")


def _print_acts(console: Console, found: dict[str, Any]) -> None:
    if found["lines"]:
        console.print(listed(LINE_COLUMNS, found["lines"], line_row))
    columns = ("position>", "event", "occurred at", "submitter", "reference")
    names = ("position", "event", "occurred_at", "submitter", "reference")
    console.print(listed(columns, found["events"], lambda one: [one[name] for name in names]))


def show_reconciled(found: dict[str, Any]) -> None:
    columns = ("class", "settlement", "file lines", "ours", "theirs", "suggestion")
    discrepancies = found["discrepancies"]
    with for_people() as console:
        names = ("only_local", "only_centre", "amount_diff", "state_diff", "duplicate_centre")
        counts = ", ".join(f"{found[name]:,} {name.replace('_', ' ')}" for name in names if found[name])
        rows = f"{counted(found['rows_local'], 'row')} of ours, {found['rows_centre']:,} of {found['counterparty']}"
        console.print(f"{found['level']}, {found['from']} to {found['to']}: {rows}.")
        if discrepancies:
            console.print(listed(columns, discrepancies[:ROWS_FOR_PEOPLE], _discrepancy_row))
            console.print("Ours and theirs: total / funds / personal account.")
            if len(discrepancies) > ROWS_FOR_PEOPLE:
                console.print(f"... and {len(discrepancies) - ROWS_FOR_PEOPLE:,} more: take all of them by --jsonl.")
        console.print(f"{found['matched']:,} matched, {counts or 'nothing else'}.")
        if found["receipt"] is not None:
            console.print(f"Recorded at position {found['receipt']['position']}.")
        print_reached(console, found)


def _discrepancy_row(one: dict[str, Any]) -> tuple[object, ...]:
    lines = ", ".join(map(str, one["file_lines"]))
    name = "(null)" if one["setl_id"] is None else one["setl_id"]
    visits = [{side["visit_id"] for side in one[sides] if side["visit_id"]} for sides in ("local", "centre")]
    differ = one["class"] == "AMOUNT_DIFF" and all(visits) and visits[0] != visits[1]
    sides = (_sides(one["local"], differ), _sides(one["centre"], differ))
    return one["class"], name, lines, *sides, one["suggestion"]


def _sides(sides: Sequence[dict[str, Any]], with_visit: bool) -> str:
    """The rows of one side in a few words each: total, fund, account; refunds marked, and visits where they differ."""
    said = []
    for side in sides:
        figures = " / ".join(yuan(side[f"{name}_fen"]) for name in ("total", "fund", "account"))
        times = f" x{side['setl_cnt']}" if "setl_cnt" in side else ""
        visit = f" visit {side['visit_id']}" if with_visit else ""
        said.append(f"{'refund ' if side['refd_setl_flag'] else ''}{figures}{times}{visit}")
    return "\n".join(said)
