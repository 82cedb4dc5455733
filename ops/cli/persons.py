"""`person`: one file of all that is known of a person."""

from typing import Annotated, Any

import typer

from ops.cli.output import Json, counted, for_people, table, yuan
from ops.cli.sources import Source, told_reach
from ops.cli.things import answer_file
from projections.questions import persons

CARDS = (
    "card",
    "state",
    "since",
    "until",
    "area",
    "bank",
    "applications",
    "electronic card",
    "looked at>",
    "restricted",
)
DELEGATIONS = ("delegation", "from", "to", "relation", "matters", "since", "until", "ended")
ENTITLEMENTS = ("entitlement", "kind", "class", "province", "from", "last day", "used>", "saved>")
BENEFITS = ("as", "province", "programme", "kind", "paid>", "amount>", "overpaid>", "returned>", "last paid")
LINKS = ("link", "person", "other", "since", "ended")
GIVEN = {"persons": "cards and links", "entitlements": "entitlements", "payouts": "benefits"}
SHORT = 12


def person(
    name: Annotated[str, typer.Argument(metavar="CARD|PERSON_KEY", help="A card of the person's, or the person key.")],
    source: Source = None,
    as_json: Json = False,
) -> int:
    """Show one person's file.

    Cards, delegations, links, entitlements and benefits. Persons whose records are linked are in it too. Looking is to
    be recorded as well: submit RecordAccess with the query PERSON_FILE.

    \b
    Example:
      onecard person 340000D15600000500000000000000A1
    """
    return answer_file(source, as_json, persons.VIEWS, lambda cursor, one: persons.file_of(cursor, one, name), _show)


def _show(found: dict[str, Any]) -> None:
    with for_people() as console:
        linked = [one["person"] for one in found["persons"] if one["person"] != found["person_key"]]
        console.print(f"Person {found['person_key']}" + "".join(f"\n  linked with {one}" for one in linked))
        for one in found["persons"]:
            if one["erased_on"] is not None:
                console.print(f"  the key of {one['person'][:SHORT]} was destroyed on {one['erased_on']}")
        if found["restricted"]:
            console.print("  processing is restricted")
        console.print(
            f"  looked at {counted(found['accesses'], 'time')}, {found['accesses_elsewhere']:,} from elsewhere"
        )
        for name, columns, rows in (
            ("Cards", CARDS, map(_card, found["cards"])),
            ("Delegations given", DELEGATIONS, map(_delegation, found["delegations_given"])),
            ("Delegations received", DELEGATIONS, map(_delegation, found["delegations_received"])),
            ("Agent of", DELEGATIONS, map(_delegation, found["agencies"])),
            ("Links", LINKS, map(_link, found["links"])),
            ("Entitlements", ENTITLEMENTS, map(_entitlement, found["entitlements"])),
            ("Benefits", BENEFITS, map(_benefit, found["benefits"])),
        ):
            if listed := list(rows):
                console.print(table(columns, listed, title=f"\n{name}"))
        for one in found["concessions"]:
            console.print(f"{counted(one['taps'], 'tap')} as {one['concession_class']} in {one['province']}.")
        for one in found["students"]:
            console.print(f"Student of {one['school']}: {one['status']} since {one['valid_from']}.")
        console.print(f"{told_reach(found, GIVEN).capitalize()}.")


def _card(card: dict[str, Any]) -> tuple[object, ...]:
    names = {"social_security_active": "social security", "bank_active": "bank"}
    active = ", ".join(name for key, name in names.items() if card[key])
    electronic = card["electronic"] if card["electronic_level"] is None else card["electronic_level"]
    return (
        *(card[key] for key in ("card_id", "state", "issued_on", "expires_on", "issuing_area", "bank")),
        active,
        electronic,
        card["accesses"],
        card["restricted_on"],
    )


def _delegation(one: dict[str, Any]) -> tuple[object, ...]:
    giver = one["credit_code"] or (one["giver"] or "")[:SHORT]
    days = (one[key] for key in ("valid_from", "valid_to", "ended_on"))
    return one["delegation_id"], giver, one["person"][:SHORT], one["relation"], one["matters"], *days


def _link(one: dict[str, Any]) -> tuple[object, ...]:
    return one["link_id"], one["person"][:SHORT], one["other_person"][:SHORT], one["linked_on"], one["ended_on"]


def _entitlement(one: dict[str, Any]) -> tuple[object, ...]:
    names = ("entitlement_id", "kind", "concession_class", "province", "valid_from", "last_day", "entries")
    return *(one[key] for key in names), yuan(one["subsidy_fen"])


def _benefit(one: dict[str, Any]) -> tuple[object, ...]:
    amounts = yuan(one["paid_fen"]), yuan(one["overpaid_fen"]), yuan(one["returned_fen"])
    return *(one[key] for key in ("as", "province", "programme", "kind", "paid")), *amounts, one["last_paid_on"]
