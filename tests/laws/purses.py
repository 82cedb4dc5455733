"""What purses, passes, vouchers and lots may never lose, and what every book owes to every other."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from ledger.families.service.voucher import Voucher
from tests.laws.told import Event, Told

TWINS = {"clearing": "advance", "pass_clearing": "pass_advance", "transit_clearing": "transit_advance"}


def a_counter_is_tapped_once_and_its_chain_is_told(told: Told) -> Iterator[str]:
    """Of every chip: the counters of rising taps and those told missing are all there are; the chain is as told."""
    taps: dict[str, dict[int, Event]] = defaultdict(dict)
    loads: dict[str, Counter[int]] = defaultdict(Counter)
    highest: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    for _, name, event in told.events:
        if name == "PurseToppedUp" and event["after_counter"] is not None:
            loads[event["card_sn"]][event["after_counter"]] += event["amount_fen"]
        if name != "TransitTapped":
            continue
        chip, counter = event["card_sn"], event["counter"]
        if counter in taps[chip]:
            yield f"{chip}: counter {counter} twice"
        rising = counter > highest[chip]
        covered[chip] += event["missing_counters"] + rising
        highest[chip] = max(highest[chip], counter)
        if covered[chip] != highest[chip]:
            yield f"{chip}: {covered[chip]} counters tapped or missing up to {highest[chip]}"
        if event["chain"] != (wanted := _chain(event, taps[chip].get(counter - 1), loads[chip][counter - 1])):
            yield f"{chip}: counter {counter} told {event['chain']}, is {wanted}"
        taps[chip][counter] = event


def _chain(tap: Event, before: Event | None, loaded: int) -> str:
    if tap["balance_after_fen"] is None or before is None or before["balance_after_fen"] is None:
        return "unchecked"
    wanted = before["balance_after_fen"] - tap["paid_fen"] + loaded
    return "ok" if tap["balance_after_fen"] == wanted else "broken"


def a_transit_purse_is_what_was_loaded_less_what_was_ridden(told: Told) -> Iterator[str]:
    wanted: Counter[str] = Counter()
    for event in told.of("PurseToppedUp"):
        wanted[event["card_id"]] += event["amount_fen"]
    for event in told.of("TransitTapped"):
        wanted[event["card_id"]] -= event["paid_fen"] - event["reversed_paid_fen"]
    for event in told.of("FareCorrected"):
        wanted[event["card_id"]] -= event["paid_fen"] - event["previous_paid_fen"]
    yield from _differing(told, "transit_purse", wanted)


def _differing(told: Told, purse: str, wanted: Counter[str]) -> Iterator[str]:
    for (_, card_id, *rest), fen in told.by_prefix("card:"):
        if rest == [purse] and fen != wanted[card_id]:
            yield f"{card_id}: {fen} in {purse}, {wanted[card_id]} told"


def a_pass_is_split_into_its_price(told: Told) -> Iterator[str]:
    """Every share is the floor of its part or one fen more, the largest remainders first."""
    bought = {event["pass_id"]: event for event in told.of("PassPurchased")}
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    left: Counter[str] = Counter()
    for event in told.of("PassUsed"):
        uses[event["pass_id"]][event["venue"]] += 1
    for event in bought.values():
        left[event["card_id"]] += event["price_fen"]
    for name in ("PassRefunded", "PassExpired"):
        for event in told.of(name):
            left[event["card_id"]] -= bought[event["pass_id"]]["price_fen"]
    for event in told.of("PassExpired"):
        price, pass_id = bought[event["pass_id"]]["price_fen"], event["pass_id"]
        shares = {share["venue"]: share["amount_fen"] for share in event["shares"] if share["amount_fen"]}
        if (
            shares != (wanted := _split(price, uses[pass_id], bought[pass_id]["seller"]))
            or sum(shares.values()) != price
        ):
            yield f"{pass_id}: {price} split into {shares}, {wanted} by its uses"
    yield from _differing(told, "passes", left)


def _split(price: int, uses: Counter[str], seller: str) -> dict[str, int]:
    if not uses:
        return {seller: price}
    total = uses.total()
    shares = {venue: price * count // total for venue, count in uses.items()}
    by_remainder = sorted(uses, key=lambda venue: (-(price * uses[venue] % total), venue))
    for venue in by_remainder[: price - sum(shares.values())]:
        shares[venue] += 1
    return {venue: fen for venue, fen in shares.items() if fen}


def a_voucher_is_redeemed_expired_or_open(told: Told) -> Iterator[str]:
    gone: Counter[str] = Counter()
    for name in ("VoucherRedeemed", "VoucherExpired"):
        for event in told.of(name):
            gone[event["voucher_id"]] += event["amount_fen"]
    expired = {event["voucher_id"] for event in told.of("VoucherExpired")}
    held: Counter[str] = Counter()
    for event in told.of("VoucherIssued"):
        voucher_id, face = event["voucher_id"], event["face_fen"]
        left = told.row(Voucher, voucher_id).left
        if face != gone[voucher_id] + left or left < 0 or (left and voucher_id in expired):
            yield f"{voucher_id}: issued {face}, redeemed and expired {gone[voucher_id]}, open {left}"
        held[event["card_id"]] += left
    yield from _differing(told, "vouchers", held)


def family_aid_is_spent_returned_or_left(told: Told) -> Iterator[str]:
    """Of every transfer, by its lot; what is left are the receiver's two purses."""
    left: Counter[str] = Counter()
    lots = {event["transfer_id"]: event for event in told.of("FamilyAidReceived")}
    used = {event["settlement_id"]: event for event in told.of("MedicalSettled")}
    spent = {event["spend_id"]: event for event in told.of("FamilyAidSpent")}
    undone = [used[event["settlement_id"]] for event in told.of("MedicalReversed")]
    undone += [used[event["settlement_id"]] for event in told.of("MedicalVoided") if event["effective"]]
    undone += [spent[event["spend_id"]] for event in told.of("FamilyAidSpendReversed")]
    for transfer_id, event in lots.items():
        left[transfer_id] += event["amount_fen"]
    for event in told.of("FamilyAidReturned"):
        left[event["transfer_id"]] -= event["amount_fen"]
    for sign, events in ((-1, [*used.values(), *spent.values()]), (1, undone)):
        for event in events:
            for lot in event["lots_used"]:
                left[lot["transfer_id"]] += sign * lot["amount_fen"]
    yield from (f"{transfer_id}: {left[transfer_id]} left of it" for transfer_id in lots if left[transfer_id] < 0)
    for purse in ("FAMILY_AID", "WALLET"):
        wanted: Counter[str] = Counter()
        for transfer_id, event in lots.items():
            if event["purse"] == purse:
                wanted[event["receiver_card_id"]] += left[transfer_id]
        yield from _differing(told, purse.lower(), wanted)


def books_sum_to_nothing(told: Told) -> Iterator[str]:
    """All accounts together; every obligation with the advance of its creditor; every prepayment; aid on its way."""
    sums = Counter({"all accounts": sum(told.balances.values())})
    for owed, advance in TWINS.items():
        for (_, *parts), fen in told.by_prefix(f"{owed}:"):
            sums[f"{advance}:{parts[-1]}"] += fen
        for (_, *parts), fen in told.by_prefix(f"{advance}:"):
            sums[f"{advance}:{parts[-1]}"] += fen
    for kind in ("prepayment", "prepaid", "prepayment_used"):
        for (_, *parts), fen in told.by_prefix(f"{kind}:"):
            sums[f"prepayment:{':'.join(parts)}"] += fen
    for (_, *parts), fen in told.by_prefix("aid_in_transit:"):
        sums[f"aid_in_transit:{parts[0]}"] += fen
    yield from (f"{name}: {fen}" for name, fen in sums.items() if fen)


LAWS = (
    a_counter_is_tapped_once_and_its_chain_is_told,
    a_transit_purse_is_what_was_loaded_less_what_was_ridden,
    a_pass_is_split_into_its_price,
    a_voucher_is_redeemed_expired_or_open,
    family_aid_is_spent_returned_or_left,
    books_sum_to_nothing,
)
