"""The file of one person: everything that the views know by a person key, with that of keys linked to it.

Whoever asks names the person, so restricted cards are in it and said to be; of a person whose key was destroyed it
tells cards and sums, and nothing that leads to others. Of others it names none who is restricted or whose key is gone.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from projections.questions.national.marks import Element
from projections.questions.reach import up_to
from projections.questions.snapshot import Cursor, Unknown
from projections.questions.together import Together
from projections.questions.withheld import withheld
from projections.views.business.cards import AGENT
from projections.views.business.entitlements import ENTITLEMENTS, Concession, Entitlement, Student
from projections.views.business.payouts import PAYOUTS, Batch, PayoutLine
from projections.views.business.persons import PERSONS, Delegation, Link, Person, PersonalCard

VIEWS: Final = (PERSONS, ENTITLEMENTS, PAYOUTS)
OF_AN_ENTERPRISE: Final = Unknown("person_unknown", "this is an enterprise's card: `onecard enterprise` has its file")
KEY: Final = re.compile(r"[0-9a-f]{64}")
NO_KEY: Final = "person key (64 of 0-9 a-f; a person's number is never asked by)"
# Links lead on from one person to the next, in either direction, as long as they are not ended.
LINKED: Final = """
    WITH RECURSIVE linked AS (
        SELECT %(person)s::bytea AS person
        UNION SELECT CASE link.person WHEN linked.person THEN other_person ELSE link.person END
        FROM linked JOIN {links} AS link ON linked.person IN (link.person, link.other_person)
        WHERE source = %(source)s AND ended_on IS NULL
    ) SELECT person FROM linked ORDER BY 1
"""
# A payee gets what is another's, as the head of a household does.
BENEFITS: Final = """
    SELECT CASE WHEN beneficiary = ANY(%(keys)s) THEN beneficiary ELSE payee END,
        CASE WHEN beneficiary = ANY(%(keys)s) THEN 'BENEFICIARY' ELSE 'PAYEE' END,
        batch.province, programme, batch.kind,
        count(*) FILTER (WHERE line.state = 'PAID'),
        coalesce(sum(amount_fen) FILTER (WHERE line.state = 'PAID'), 0)::bigint,
        coalesce(sum(overpaid_fen) FILTER (WHERE line.state = 'PAID'), 0)::bigint,
        count(*) FILTER (WHERE line.state = 'RETURNED'),
        coalesce(sum(amount_fen) FILTER (WHERE line.state = 'RETURNED'), 0)::bigint,
        to_char(date '1970-01-01' + max(settled_on) FILTER (WHERE line.state = 'PAID'), 'YYYY-MM-DD')
    FROM {lines} AS line JOIN {batches} AS batch USING (source, batch_id)
    WHERE source = %(source)s AND line.state IN ('PAID', 'RETURNED')
        AND (beneficiary = ANY(%(keys)s) OR (card_id = ANY(%(cards)s::uuid[]) AND payee = ANY(%(keys)s)))
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
IS_OF_CARDS: Final = "card_id = ANY(%(cards)s::uuid[])"
BENEFIT: Final = (
    "person",
    "as",
    "province",
    "programme",
    "kind",
    "paid",
    "paid_fen",
    "overpaid_fen",
    "returned",
    "returned_fen",
    "last_paid_on",
)


def file_of(cursor: Cursor, source: str, name: str) -> dict[str, Any]:
    """By a card of the person's, current or replaced, or by the person key; Unknown if nothing is known of either."""
    views = Together(cursor, source, *VIEWS)
    person = name if KEY.fullmatch(name) else views.card(PersonalCard, name, NO_KEY, OF_AN_ENTERPRISE)["person"]
    keys = [key for (key,) in views.ask(LINKED.format(links=views.table(Link)), person=bytes.fromhex(person))]
    persons = {one["person"]: one for one in views.rows(Person, "person = ANY(%(keys)s)", keys=keys)}
    known = {key.hex(): persons[key.hex()]["erased_on"] if key.hex() in persons else None for key in keys}
    cards = views.rows(PersonalCard, "person = ANY(%(keys)s)", keys=keys)
    told = [key for key in keys if known[key.hex()] is None]
    about = _around(views, told, {one["card_id"]: one["person"] for one in cards if known[one["person"]] is None})
    if person not in persons and not any(about.values()):
        looked = up_to(cursor, source, views.position, *views.names)
        raise Unknown("person_unknown", f"nothing is known of this person {looked}")
    return {
        "cards": cards,
        "person_key": person,
        "persons": [{"person": key, "erased_on": erased_on} for key, erased_on in known.items()],
        "restricted": any(one["restricted_on"] is not None and one["state"] != "CANCELLED" for one in cards),
        "accesses": sum(one["accesses"] for one in cards),
        "accesses_elsewhere": sum(one["accesses_elsewhere"] for one in cards),
        **about,
        "benefits": _benefits(views, keys, [one["card_id"] for one in cards]),
        "position": views.position,
    }


def _around(views: Together, keys: list[bytes], cards: dict[str, str]) -> dict[str, list[Element]]:
    """What leads from these persons to others, and what holds for their cards (card_id -> person)."""
    persons = {key.hex() for key in keys}
    delegations = views.rows(Delegation, "person = ANY(%(keys)s) OR giver = ANY(%(keys)s)", keys=keys)
    links = views.rows(Link, "person = ANY(%(keys)s) OR other_person = ANY(%(keys)s)", keys=keys)
    named = {one[name] for one in delegations for name in ("person", "giver")}
    named.update(one[name] for one in links for name in ("person", "other_person"))
    hidden = withheld(views, named - persons - {None})
    delegations = [one for one in delegations if hidden.isdisjoint((one["person"], one["giver"]))]
    entitlements, concessions, students = (
        [{"person": cards[one["card_id"]], **one} for one in views.rows(kind, IS_OF_CARDS, cards=[*cards])]
        for kind in (Entitlement, Concession, Student)
    )
    return {
        "delegations_given": [one for one in delegations if one["giver"] in persons],
        "delegations_received": [one for one in delegations if one["person"] in persons and one["relation"] != AGENT],
        "agencies": [one for one in delegations if one["relation"] == AGENT],
        "links": [one for one in links if hidden.isdisjoint((one["person"], one["other_person"]))],
        "entitlements": entitlements,
        "concessions": concessions,
        "students": students,
    }


def _benefits(views: Together, keys: list[bytes], cards: Iterable[str]) -> list[Element]:
    """Sums by programme of what was paid and what came back, in fen; `paid_fen` is gross, before overpayments."""
    statement = BENEFITS.format(lines=views.table(PayoutLine), batches=views.table(Batch))
    found = views.ask(statement, keys=keys, cards=[*cards])
    return [dict(zip(BENEFIT, (key.hex(), *rest), strict=True)) for key, *rest in found]
