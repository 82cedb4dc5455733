"""Pension and subsidy batches from the budget to the bank's last return: prepared, paid on the day, put right after it.

A batch remembers only card numbers; amounts and accounts are computed again when the bank answers. The maker and the
approver are two officials; a clerk who tries to approve his own batch is refused.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from ops.simulate.people import CHILD, ELDERLY, SLOTS, STUDENT, WORKER
from ops.simulate.places import BANKS, VILLAGES
from ops.simulate.world import CANCELLED, Batch, Refused, World

OFFICIALS = 20_000_000
LARGEST_BATCH = 2_000
KINDS: tuple[tuple[str, tuple[int, ...], int, int], ...] = (
    ("PENSION", (ELDERLY,), 180_000, 420_000),
    ("RURAL_SUBSIDY", (WORKER, ELDERLY), 9_000, 60_000),
    ("RESIDENT_PENSION", (ELDERLY,), 18_000, 30_000),
    ("SCHOLARSHIP", (STUDENT,), 200_000, 300_000),
    ("UNEMPLOYMENT", (WORKER,), 150_000, 60_000),
    ("WORK_RELIEF", (WORKER,), 240_000, 180_000),
    ("BURSARY", (STUDENT, CHILD), 60_000, 90_000),
    ("CROP_INSURANCE", (WORKER, ELDERLY), 30_000, 200_000),
)
RANGES = {kind: (least, spread) for kind, _, least, spread in KINDS}
CORRECTION = 1_000_000


def amount(batch: Batch, i: int) -> int:
    least, spread = RANGES[batch.kind]
    return least + (i * 7_919 + batch.number * 104_729) % spread // 100 * 100


def line_id(batch: Batch, k: int) -> str:
    return f"L{batch.number}-{k + 1:05d}"


def batch_id(w: World, number: int) -> str:
    return f"PB{w.tag}{number}"


def office(w: World, batch: Batch, command: str, when: str, rest: str) -> str:
    """A line of the paying province's finance office."""
    submitter = f"CZ{batch.province}"
    return (
        f'{{"command":"{command}","submitter":"{submitter}","reference":"{submitter}-{w.tag}-{w.next()}",'
        f'"occurred_at":"{when}",{rest}}}\n'
    )


def of_batch(w: World, batch: Batch, command: str, when: str, rest: str = "") -> str:
    return office(w, batch, command, when, f'"batch_id":"{batch_id(w, batch.number)}"{rest}')


def plan(w: World) -> None:
    """Choose the batches and their members."""
    wanted = w.lines * w.mix.payout_lines_per_10000 // 10_000
    if not wanted:
        return
    kinds = KINDS if w.mix.administration else KINDS[:1]
    combinations = len(w.provinces) * len(kinds)
    count = min(combinations, max(2, wanted // 40)) if w.mix.administration else min(combinations, max(1, wanted // 40))
    count = max(count, -(-wanted // LARGEST_BATCH))
    for number in range(count):
        kind, groups, _, _ = kinds[number // 2 % len(kinds) if count < combinations else number % len(kinds)]
        province = w.provinces[number % len(w.provinces)]
        size = max(3, (wanted - sum(len(b.members) for b in w.batches)) // (count - number))
        members = _members(w, number, province, groups, size)
        if members:
            official = OFFICIALS + 2 * number
            bank = BANKS[number % len(BANKS)]
            programme = f"{kind}-T{number}"
            w.batches.append(
                Batch(number, province, programme, kind, w.month, bank, official, members, [True] * len(members))
            )


def _members(w: World, number: int, province: str, groups: tuple[int, ...], size: int) -> array[int]:
    """Cards of the province in the right age groups, and now and then one of another province."""
    members: array[int] = array("l")
    start = number * 7_919 % max(1, w.opened)
    everyone = not w.mix.administration
    for k in range(w.opened):
        i = (start + k) % w.opened
        if everyone or (
            w.group[i] in groups and (w.people.homes[i % SLOTS][:2] == province or (i * 31 + number) % 64 == 0)
        ):
            members.append(i)
            if len(members) >= size:
                break
    return members


def before(w: World) -> Iterator[str]:
    """Two weeks of preparation: budget, lines, roster, objections, approval, and the order to the bank at dawn."""
    for batch in w.batches:
        disclosed = batch.kind == "RURAL_SUBSIDY"
        first = w.day0 - 15 if disclosed else w.day0 - 3
        total = sum(amount(batch, i) for i in batch.members)
        document = f"预算 {w.year} {batch.programme}"
        yield office(
            w, batch, "IssueBudget", w.stamp(first, 32_000),
            f'"province":"{batch.province}","programme":"{batch.programme}","amount_fen":{2 * total},'
            f'"document":"{document}"',
        )  # fmt: skip
        yield _open(w, batch, w.stamp(first, 33_000), "NORMAL", len(batch.members), total)
        yield from _add(w, batch, first)
        yield of_batch(w, batch, "PublishRoster", w.stamp(first + 1, 34_000), ',"place":"政务公开栏 notice board"')
        if disclosed:
            yield from _objections(w, batch, first + 2)
        approver = w.people.person(batch.maker + 1)
        if batch.number % 4 == 1:
            clerk = w.people.person(batch.maker)
            line = of_batch(w, batch, "ApproveBatch", w.stamp(w.day0 - 1, 34_000), f',"acting_person":"{clerk}"')
            yield Refused(line)
        yield of_batch(w, batch, "ApproveBatch", w.stamp(w.day0 - 1, 36_000), f',"acting_person":"{approver}"')
        if batch.number % 3 == 0 and len(batch.members) > 4:
            yield _stop(w, batch, 1, "DEATH", w.stamp(w.day0 - 1, 40_000))
        w.credits_left += sum(batch.live)
        application = f',"application_id":"A{batch_id(w, batch.number)}"'
        yield of_batch(w, batch, "SendBatch", w.stamp(w.day0, 3_600 + batch.number % 3_600), application)


def _open(w: World, batch: Batch, when: str, batch_type: str, count: int, total: int) -> str:
    return of_batch(
        w, batch, "OpenPayoutBatch", when,
        f',"acting_person":"{w.people.person(batch.maker)}","province":"{batch.province}",'
        f'"programme":"{batch.programme}","kind":"{batch.kind}","period":"{batch.period}","batch_type":"{batch_type}",'
        f'"bank":"{batch.bank}","planned_count":{count},"planned_fen":{total}',
    )  # fmt: skip


def _payee(w: World, batch: Batch, i: int) -> str:
    village = f',"village":"{VILLAGES[i % len(VILLAGES)]}"' if batch.kind == "RURAL_SUBSIDY" else ""
    return f'"payee":"{w.people.person(i)}","relationship":"SELF","bank_account":"{w.people.bank_account(i)}"{village}'


def _add(w: World, batch: Batch, first: int) -> Iterator[str]:
    """The lines; the first one is entered a second time by a hasty clerk and refused, one more is struck at once."""
    for k, i in enumerate(batch.members):
        rest = (
            f',"card_sn":"{w.sn(i)}","channel":"FILE","line_id":"{line_id(batch, k)}",'
            f'"beneficiary":"{w.people.person(i)}",{_payee(w, batch, i)},"amount_fen":{amount(batch, i)}'
        )
        yield of_batch(w, batch, "AddPayoutLine", w.stamp(first, 34_000 + k % 30_000), rest)
        if k == 0 and batch.number % 3 == 1:
            again = rest.replace(line_id(batch, 0), f"{line_id(batch, 0)}-B", 1)
            yield Refused(of_batch(w, batch, "AddPayoutLine", w.stamp(first, 34_100), again))
    if batch.number % 5 == 2 and w.opened > 40:
        i = next((j for j in range(w.opened) if j not in batch.members), -1)
        if i >= 0:
            number = len(batch.members)
            rest = (
                f',"card_sn":"{w.sn(i)}","line_id":"{line_id(batch, number)}","beneficiary":"{w.people.person(i)}",'
                f'{_payee(w, batch, i)},"amount_fen":10000'
            )
            yield of_batch(w, batch, "AddPayoutLine", w.stamp(first, 64_000), rest)
            yield _strike(w, batch, line_id(batch, number), w.stamp(first, 64_200))


def _strike(w: World, batch: Batch, line: str, when: str) -> str:
    return of_batch(w, batch, "StopLine", when, f',"line_id":"{line}","reason":"NOT_ELIGIBLE"')


def _stop(w: World, batch: Batch, k: int, reason: str, when: str) -> str:
    batch.live[k] = False
    batch.stopped.append(k)
    return of_batch(w, batch, "StopLine", when, f',"line_id":"{line_id(batch, k)}","reason":"{reason}"')


def _objections(w: World, batch: Batch, day: int) -> Iterator[str]:
    """Two neighbours object; one is right and the line stops, the other is not."""
    for k, outcome in enumerate(("UPHELD", "DISMISSED")):
        if k + 1 >= len(batch.members):
            return
        objection = f"O{batch_id(w, batch.number)}-{k}"
        target = len(batch.members) - 1 - k
        yield of_batch(
            w, batch, "RaiseObjection", w.stamp(day, 36_000 + k * 600),
            f',"line_id":"{line_id(batch, target)}","objection_id":"{objection}","reason":"land area is disputed"',
        )  # fmt: skip
        yield office(
            w, batch, "ResolveObjection", w.stamp(day + 2, 36_000),
            f'"objection_id":"{objection}","outcome":"{outcome}","reason":"土地台账核实"',
        )  # fmt: skip
        if outcome == "UPHELD":
            batch.live[target] = False
            batch.stopped.append(target)


def credits(w: World) -> Iterator[str]:
    """What the banks report during the day: most lines are credited, one in eighty comes back."""
    for batch in w.batches:
        for k, i in enumerate(batch.members):
            if not batch.live[k]:
                continue
            w.credits_left -= 1
            if (i * 2_654_435_761 + batch.number >> 9) % 80 == 0 or (k == 2 and batch.number % 2 == 0):
                batch.returned.append(k)
                batch.live[k] = False
                yield bank_return(w, batch, k, w.now)
                continue
            if k == 3 and batch.number % 4 == 0:
                yield Refused(credit(w, batch, k, i, amount(batch, i) + 1, w.now))
            batch.paid += 1
            yield credit(w, batch, k, i, amount(batch, i), w.now)


def credit(w: World, batch: Batch, k: int, i: int, fen: int, when: str) -> str:
    number = w.next()
    return (
        f'{{"command":"CreditBenefit","submitter":"{batch.bank}","reference":"{batch.bank}-{w.tag}-{number}",'
        f'"occurred_at":"{when}","batch_id":"{batch_id(w, batch.number)}","line_id":"{line_id(batch, k)}",'
        f'"amount_fen":{fen},"bank_transaction":"TX{w.tag}{number}"}}\n'
    )


def bank_return(w: World, batch: Batch, k: int, when: str) -> str:
    number = w.next()
    reason = ("NAME_MISMATCH", "ACCOUNT_CLOSED", "ACCOUNT_DORMANT", "ID_MISMATCH")[k & 3]
    return (
        f'{{"command":"ReturnBenefit","submitter":"{batch.bank}","reference":"{batch.bank}-{w.tag}-{number}",'
        f'"occurred_at":"{when}","batch_id":"{batch_id(w, batch.number)}","line_id":"{line_id(batch, k)}",'
        f'"reason":"{reason}","bank_transaction":"TX{w.tag}{number}"}}\n'
    )


def after(w: World) -> Iterator[str]:
    """The days after: batches close, a paid line comes back late, failed lines are issued again."""
    for batch in w.batches:
        yield of_batch(w, batch, "CloseBatch", w.stamp(w.day0 + 2, 36_000))
        if batch.number % 6 == 0 and (k := _a_paid_line(batch, 0)) >= 0:
            batch.live[k] = False
            batch.returned.append(k)
            yield bank_return(w, batch, k, w.stamp(w.day0 + 3, 30_000))
        yield from _correction(w, batch)
        if w.mix.administration and batch.number % 4 == 0:
            yield from _overpayment(w, batch)


def _a_paid_line(batch: Batch, nth: int) -> int:
    paid = [k for k in range(min(len(batch.live), 64)) if batch.live[k]]
    return paid[nth] if nth < len(paid) else -1


def _correction(w: World, batch: Batch) -> Iterator[str]:
    failed = [k for k in batch.returned if not w.flags[batch.members[k]] & CANCELLED]
    if not failed:
        return
    day = w.day0 + 4
    new = Batch(
        CORRECTION + batch.number, batch.province, batch.programme, batch.kind, batch.period, batch.bank,
        batch.maker, array("l", [batch.members[k] for k in failed]), [True] * len(failed),
    )  # fmt: skip
    total = sum(amount(batch, i) for i in new.members)
    yield _open(w, new, w.stamp(day, 33_000), "CORRECTION", len(failed), total)
    for k, (source, i) in enumerate(zip(failed, new.members, strict=True)):
        yield of_batch(
            w, new, "ReissueBenefit", w.stamp(day, 34_000 + k % 20_000),
            f',"card_sn":"{w.sn(i)}","line_id":"{line_id(new, k)}","source_batch_id":"{batch_id(w, batch.number)}",'
            f'"source_line_id":"{line_id(batch, source)}",{_payee(w, new, i)},"amount_fen":{amount(batch, i)}',
        )  # fmt: skip
    approver = w.people.person(batch.maker + 1)
    sent = day + 1
    if batch.kind == "RURAL_SUBSIDY":
        yield of_batch(w, new, "PublishRoster", w.stamp(day, 60_000), ',"place":"政务公开栏"')
        sent = day + 15
    yield of_batch(w, new, "ApproveBatch", w.stamp(sent, 36_000), f',"acting_person":"{approver}"')
    yield of_batch(w, new, "SendBatch", w.stamp(sent, 40_000), f',"application_id":"A{batch_id(w, new.number)}"')
    for k, i in enumerate(new.members):
        yield credit(w, new, k, i, amount(batch, i), w.stamp(sent + 1, 32_000 + k % 20_000))
    yield of_batch(w, new, "CloseBatch", w.stamp(sent + 2, 36_000))


def _overpayment(w: World, batch: Batch) -> Iterator[str]:
    """A line paid in error: one instalment is paid back, the rest is cut from the next month's benefit."""
    k = _a_paid_line(batch, 1)
    if k < 0 or w.flags[batch.members[k]] & CANCELLED:
        return
    i = batch.members[k]
    over = amount(batch, i) // 4
    number = w.next()
    overpayment = f"OV{w.tag}{number}"
    first = w.next_first + 1
    yield of_batch(
        w, batch, "FindOverpayment", w.stamp(w.day0 + 6, 36_000),
        f',"overpayment_id":"{overpayment}","line_id":"{line_id(batch, k)}","amount_fen":{over},'
        f'"reason":"WRONG_AMOUNT"',
    )  # fmt: skip
    yield office(
        w, batch, "RecoverBenefit", w.stamp(w.day0 + 7, 36_000),
        f'"recovery_id":"RC{w.tag}{number}","overpayment_id":"{overpayment}","amount_fen":{over // 2},'
        f'"bank_transaction":"TXR{w.tag}{number}"',
    )  # fmt: skip
    following = Batch(
        2 * CORRECTION + batch.number, batch.province, batch.programme, batch.kind, w.next_month, batch.bank,
        batch.maker, array("l", [i]), [True],
    )  # fmt: skip
    cut = over - over // 2
    whole = amount(batch, i)
    yield _open(w, following, w.stamp(first, 33_000), "NORMAL", 1, whole)
    yield of_batch(
        w, following, "AddPayoutLine", w.stamp(first, 34_000),
        f',"card_sn":"{w.sn(i)}","line_id":"{line_id(following, 0)}","beneficiary":"{w.people.person(i)}",'
        f'{_payee(w, following, i)},"amount_fen":{whole}',
    )  # fmt: skip
    yield of_batch(
        w, following, "OffsetBenefit", w.stamp(first, 35_000),
        f',"offset_id":"OF{w.tag}{number}","overpayment_id":"{overpayment}","line_id":"{line_id(following, 0)}",'
        f'"amount_fen":{cut}',
    )  # fmt: skip
    if batch.kind == "RURAL_SUBSIDY":
        return
    approver = w.people.person(batch.maker + 1)
    yield of_batch(w, following, "ApproveBatch", w.stamp(first + 1, 36_000), f',"acting_person":"{approver}"')
    yield of_batch(
        w, following, "SendBatch", w.stamp(first + 1, 40_000), f',"application_id":"A{batch_id(w, following.number)}"'
    )
    yield credit(w, following, 0, i, whole - cut, w.stamp(first + 2, 32_000))
    yield of_batch(w, following, "CloseBatch", w.stamp(first + 3, 36_000))
