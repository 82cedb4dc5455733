"""The month's clearing between provinces: prepayments, audit, confirmation, cut-off, close, notices, money.

The simulation adds up what the cut-off will take for every pair (World.pairs), so it issues exactly the notices and
alerts that are due, and its remittances are the amounts owed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ops.simulate.medical import reverse
from ops.simulate.world import Refused, Unit, World, iso

PER_CONFIRMATION = 100
MEAN_CLEARED_FEN = 40_000
RED_PERCENT, YELLOW_PERCENT = 90, 70


def centre(w: World, submitter: str, command: str, when: str, rest: str) -> str:
    return (
        f'{{"command":"{command}","submitter":"{submitter}","reference":"{submitter}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{when}",{rest}}}\n'
    )


def home_side(w: World, home: str, command: str, when: str, rest: str) -> str:
    return centre(w, f"YB{home}", command, when, rest)


def prepayments(w: World) -> Iterator[str]:
    """January sets and February pays, a little too little for some pairs so that alarms follow."""
    expected = w.lines * w.mix.settlements * w.mix.cross_province // 1_048_576 * MEAN_CLEARED_FEN
    january = date(w.year, 1, 25).toordinal()
    february = date(w.year, 2, 20).toordinal()
    order = 0
    for home, targets in w.destinations.items():
        for rank, treatment in enumerate(targets):
            share = expected * (len(targets) - rank) * 2 // (len(targets) * (len(targets) + 1)) // len(w.destinations)
            half = max(1_000, share * (2, 4, 7, 12)[order % 4] // 8)
            pair = f'"home":"{home}","treatment":"{treatment}"'
            more = f'"year":"{w.year}","amount_fen":{2 * half},"q4_fen":{3 * half}'
            yield home_side(w, home, "SetPrepayment", w.stamp(january, 32_400 + order), f"{pair},{more}")
            paid = half if order == 0 else 2 * half
            w.prepaid[home, treatment] = paid
            rest = (
                f'{pair},"year":"{w.year}","amount_fen":{paid},"bank_transaction":"TXP{w.tag}{w.n}",'
                f'"paid_on":"{iso(february)}"'
            )
            yield home_side(w, home, "PayPrepayment", w.stamp(february, 36_000 + order), rest)
            order += 1


def _ids(w: World, treatment: str, numbers: list[int]) -> str:
    ids = ",".join(f'"{w.settlement_id(treatment, n)}"' for n in numbers)
    return f'"treatment_province":"{treatment}","settlement_ids":[{ids}]'


def month_end(w: World) -> Iterator[str]:
    """Reconciliation and audit in the rest of the month, then the next month's clearing calendar."""
    audit = min(w.day0 + 5, w.last_day)
    runs = []
    for k, province in enumerate(w.provinces[:4]):
        run = f"RUN{w.tag}-{k}"
        runs.append(run)
        level = ("L2", "L3", "L1_DETAILS", "L1_TOTALS")[k]
        other = "NHSA" if k < 2 else w.hospitals[w.people.areas[province][0]][0]
        rest = (
            f'"run_id":"{run}","level":"{level}","counterparty":"{other}","from":"{w.month}-01","to":"{w.today}",'
            f'"file_sha256":"{w.sha(run)}","matched":{900 + 7 * k},"only_local":{k},"only_centre":0,"amount_diff":1,'
            f'"state_diff":0,"duplicate_centre":0'
        )
        yield centre(w, f"YB{province}", "RunReconciliation", w.stamp(audit, 30_000 + k), rest)
    yield from _special_fates(w, audit, runs[0])
    yield from _confirmations(w)
    yield from _cycle(w)
    yield from _money(w)


def _special_fates(w: World, audit: int, run: str) -> Iterator[str]:
    """Eight fates of single settlements: left unconfirmed, deducted, disputed, withdrawn, cancelled late."""
    july = w.next_first
    first, later = w.stamp(july + 4, 34_000), w.stamp(july + 15, 34_000)
    for k, unit in enumerate(w.specials):
        fate = k % 8
        settlement = f'"settlement_id":"{w.settlement_id(unit.treatment, unit.number)}"'
        agency = f"YB{unit.treatment}"
        confirm = _ids(w, unit.treatment, [unit.number])
        if fate in (1, 2, 3, 5, 7):
            yield centre(w, agency, "ConfirmSettlements", first, confirm)
        if fate in (1, 2, 3, 7):
            w.owe_unit(unit)
        if fate in (1, 2):
            yield from _deduction(w, unit, k, audit if fate == 1 else july + 6, fate == 2)
        elif fate in (3, 4, 6):
            outcome = {3: "KEEP", 4: "", 6: "REVERSE"}[fate]
            rest = (
                f'"dispute_id":"DP{w.tag}{k}",{settlement},"discrepancy":"AMOUNT_DIFF","run_id":"{run}",'
                f'"claimed_fen":{unit.cleared_fen // 2},"reason":"对方清单金额不符"'
            )
            day = audit if fate == 6 else july + 5
            yield centre(w, agency, "OpenDispute", w.stamp(day, 40_000), rest)
            if outcome:
                rest = f'"dispute_id":"DP{w.tag}{k}","outcome":"{outcome}","reason":"lists compared line by line"'
                yield centre(w, agency, "ResolveDispute", w.stamp(day, 50_000), rest)
            if fate == 6:
                yield reverse(w, unit, "DISPUTE", w.stamp(w.last_day, 86_000))
        elif fate == 5:
            yield centre(w, agency, "WithdrawConfirmation", later, confirm)
        elif fate == 7:
            yield reverse(w, unit, "REFUND", w.stamp(july + 8, 40_000))


def _deduction(w: World, unit: Unit, k: int, day: int, taken_back: bool) -> Iterator[str]:
    fen = max(1, unit.fund_fen // 10)
    rest = (
        f'"deduction_id":"DD{w.tag}{k}","settlement_id":"{w.settlement_id(unit.treatment, unit.number)}",'
        f'"funds":{{"{unit.fund_type}":{fen}}},"finding":"item not in the directory 超目录用药"'
    )
    yield centre(w, f"YB{unit.treatment}", "DeductByAudit", w.stamp(day, 52_000), rest)
    if taken_back:
        rest = f'"deduction_id":"DD{w.tag}{k}","reversal_id":"DR{w.tag}{k}","reason":"申诉成立"'
        yield centre(w, f"YB{unit.treatment}", "ReverseDeduction", w.stamp(day + 1, 52_000), rest)
    elif unit.home != unit.treatment:
        w.owe(unit.home, unit.treatment, -fen)


def _confirmations(w: World) -> Iterator[str]:
    """Each treatment province confirms its settlements in lists of a hundred, over a fortnight."""
    for province, numbers in w.confirm.items():
        agency = f"YB{province}"
        lists = -(-len(numbers) // PER_CONFIRMATION)
        for k in range(lists):
            part = numbers[k * PER_CONFIRMATION : (k + 1) * PER_CONFIRMATION].tolist()
            when = w.stamp(w.next_first + 4 + 14 * k // lists, 32_000 + k % 30_000)
            line = centre(w, agency, "ConfirmSettlements", when, _ids(w, province, part))
            yield line
            if k == 0:
                yield Refused(centre(w, agency, "ConfirmSettlements", when, _ids(w, province, part[:3])))


def _cycle(w: World) -> Iterator[str]:
    cycle = f'"cycle":"{w.month}"'
    yield Refused(centre(w, "NHSA", "CloseCycle", w.stamp(w.next_first + 20, 30_000), cycle))
    yield centre(w, "NHSA", "CutOffCycle", w.stamp(w.next_first + 20, 32_400), cycle)
    yield centre(w, "NHSA", "CloseCycle", w.stamp(w.next_first + 24, 32_400), cycle)
    for home, treatment in _owing(w):
        rest = f'{cycle},"book":"MEDICAL","home":"{home}","treatment":"{treatment}"'
        yield centre(w, "NHSA", "IssueNotice", w.stamp(w.third_first - 1, 32_400), rest)


def _owing(w: World) -> list[tuple[str, str]]:
    return sorted(pair for pair, fen in w.pairs.items() if fen)


def _money(w: World) -> Iterator[str]:
    """Alarms, increases, remittances of both kinds, one that comes back, and the transit obligations."""
    alarm = w.stamp(w.third_first - 1, 40_000)
    red: list[tuple[str, str]] = []
    for pair in _owing(w):
        owed, base = w.pairs[pair], w.prepaid.get(pair, 0)
        if owed <= 0 or (base and 100 * owed < YELLOW_PERCENT * base):
            continue
        if base and 100 * owed >= RED_PERCENT * base:
            red.append(pair)
        rest = f'"cycle":"{w.month}","home":"{pair[0]}","treatment":"{pair[1]}"'
        yield home_side(w, pair[1], "RaisePrepaymentAlert", alarm, rest)
    for home, treatment in red:
        pair_text = f'"home":"{home}","treatment":"{treatment}"'
        more = w.pairs[home, treatment] // 2 + 1
        rest = f'{pair_text},"year":"{w.year}","cycle":"{w.month}","amount_fen":{more}'
        yield home_side(w, home, "IncreasePrepayment", w.stamp(w.third_first + 1, 36_000), rest)
        day = w.third_first + 9
        rest = (
            f'{pair_text},"year":"{w.year}","amount_fen":{more},"bank_transaction":"TXI{w.tag}{w.n}",'
            f'"paid_on":"{iso(day)}"'
        )
        yield home_side(w, home, "PayPrepayment", w.stamp(day, 36_000), rest)
        w.prepaid[home, treatment] += more
    for k, pair in enumerate(_owing(w)):
        yield from _remit(w, k, pair)
    for k, ((issued, used), fen) in enumerate(sorted(w.transit.items())[:20]):
        if fen < 2:
            continue
        rest = (
            f'"remittance_id":"RT{w.tag}{k}","book":"TRANSIT","method":"TRANSFER","issue_city":"{issued}",'
            f'"use_city":"{used}","amount_fen":{fen // 2},"bank_transaction":"TXT{w.tag}{k}",'
            f'"paid_on":"{iso(w.third_first)}"'
        )
        yield centre(w, "TUNION", "RecordRemittance", w.stamp(w.third_first, 50_000), rest)
    idle = [pair for pair, fen in w.prepaid.items() if fen > 100 and pair not in red]
    if idle:
        home, treatment = idle[-1]
        rest = (
            f'"home":"{home}","treatment":"{treatment}","amount_fen":{w.prepaid[idle[-1]] // 10},'
            f'"bank_transaction":"TXB{w.tag}","paid_on":"{iso(w.third_first + 20)}"'
        )
        yield home_side(w, treatment, "ReturnPrepayment", w.stamp(w.third_first + 20, 36_000), rest)


def _remit(w: World, k: int, pair: tuple[str, str]) -> Iterator[str]:
    owed = abs(w.pairs[pair])
    notice = f"{w.month}-MEDICAL-{pair[0]}-{pair[1]}"
    parts = [owed]
    method = "TRANSFER"
    if k % 4 == 1 and w.pairs[pair] > 0 and w.prepaid.get(pair, 0) >= owed:
        method = "PREPAYMENT"
        w.prepaid[pair] -= owed
    elif k % 4 == 2 and owed > 1:
        parts = [owed * 6 // 10, owed - owed * 6 // 10]
    elif k % 8 == 3:
        parts = [owed, -owed, owed]
    for j, fen in enumerate(parts):
        remittance = f"RM{w.tag}{k}-{j}"
        day = w.third_first + 11 + j
        how = "RETURN" if fen < 0 else method
        undone = f',"returned_remittance_id":"RM{w.tag}{k}-{j - 1}"' if fen < 0 else ""
        bank = "" if how == "PREPAYMENT" else f',"bank_transaction":"TXM{w.tag}{k}-{j}"'
        rest = (
            f'"remittance_id":"{remittance}","book":"MEDICAL","method":"{how}"{undone},"notice_id":"{notice}",'
            f'"amount_fen":{abs(fen)}{bank},"paid_on":"{iso(day)}"'
        )
        yield home_side(w, pair[0], "RecordRemittance", w.stamp(day, 36_000 + k), rest)
