"""The auditor's questions: one card's whole history, its figures explained, its statement (queries.md section 3).

Everything is told from the log's own bytes; the audit view only finds them. Accounts of a card are those under its
name; a stream that is no card shows every account its events post to.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.core.calendar import date_text, instant_text
from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.postings import Posting
from ledger.families.registry import EVENTS
from ledger.store import rendering
from projections.feed.port import Record
from projections.questions import cards, streams
from projections.questions.snapshot import Cursor
from projections.views.balances import Account

Booked = list[tuple[Record, list[Posting]]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events of a stream: at most one of these is given. Instants in microseconds."""

    at_version: int | None = None
    as_of: int | None = None
    recorded_as_of: int | None = None

    def takes(self, record: Record) -> bool:
        if self.as_of is not None:
            return bool(record.event["occurred_at"] <= self.as_of)
        if self.recorded_as_of is not None:
            return bool(record.event["recorded_at"] <= self.recorded_as_of)
        return self.at_version is None or record.version <= self.at_version

    def as_json(self) -> dict[str, Any]:
        return {
            "at_version": self.at_version,
            "as_of": None if self.as_of is None else instant_text(self.as_of),
            "recorded_as_of": None if self.recorded_as_of is None else instant_text(self.recorded_as_of),
        }


def history(
    cursor: Cursor, source: str, name: str, selection: Selection, config: Configuration, keyring: Keyring
) -> dict[str, Any]:
    """Every selected event of a card or another stream, the card after them, its accounts by them alone."""
    stream = streams.find(cursor, source, name)
    read = streams.events(cursor, stream, selection.at_version)
    booked = _booked(record for record in read if selection.takes(record))
    card_sns, card = [], None
    if stream.is_card:
        card_sns = cards.card_sns(streams.events_named(cursor, stream, sorted(cards.LIFE)))
        life = (record for record, _ in booked if record.name in cards.LIFE)
        card = cards.card_object(life, config, keyring, selection.as_of)
    return {
        "events": [event_object(record, postings) for record, postings in booked],
        "card_id": stream.stream_id,
        "card_sns": card_sns,
        "selection": selection.as_json(),
        "card": card,
        "accounts": [account.as_json() for account in _accounts(booked, _own(stream))],
        "position": stream.position,
    }


def explain(cursor: Cursor, source: str, name: str) -> dict[str, Any]:
    """Each balance of a card, posting by posting."""
    stream = streams.find_card(cursor, source, name)
    own = _own(stream)
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    running: dict[str, int] = defaultdict(int)
    for record, postings in sorted(_booked(streams.events(cursor, stream)), key=lambda pair: pair[0].position):
        for account, amount in postings:
            if not account.startswith(own):
                continue
            running[account] += amount
            lines[account].append(
                {
                    "position": record.position,
                    "card_version": record.version,
                    "event": record.name,
                    "occurred_at": instant_text(record.event["occurred_at"]),
                    "reference": record.event["reference"],
                    "amount_fen": amount,
                    "running_fen": running[account],
                }
            )
    return {
        "accounts": [
            {"account": account, "balance_fen": running[account], "postings": lines[account]}
            for account in sorted(lines)
        ],
        "card_id": stream.stream_id,
        "position": stream.position,
    }


def statement(cursor: Cursor, source: str, name: str, first: int, last: int) -> dict[str, Any]:
    """What moved on a card's accounts on the business dates first..last (days), in order of occurrence."""
    stream = streams.find_card(cursor, source, name)
    own = _own(stream)
    opening: dict[str, int] = {}
    lines: dict[str, list[dict[str, Any]]] = {}
    booked = _booked(streams.events(cursor, stream))
    for record, postings in sorted(booked, key=lambda pair: (pair[0].event["occurred_at"], pair[0].position)):
        day = record.event["business_date"]
        if day > last:
            continue
        for account, amount in postings:
            if not account.startswith(own):
                continue
            opening.setdefault(account, 0)
            found = lines.setdefault(account, [])
            if day < first:
                opening[account] += amount
            else:
                found.append(_statement_line(record, postings, account, amount))
    return {
        "accounts": [_statement_of(account, opening[account], lines[account]) for account in sorted(opening)],
        "card_id": stream.stream_id,
        "from": date_text(first),
        "to": date_text(last),
        "position": stream.position,
    }


def event_object(record: Record, postings: list[Posting]) -> dict[str, Any]:
    """An event as auditors see it, with the digest of the very bytes that are stored."""
    event = record.event
    return {
        "card_version": record.version,
        "position": record.position,
        "event": record.name,
        "family": EVENTS[record.name].family,
        "occurred_at": instant_text(event["occurred_at"]),
        "recorded_at": instant_text(event["recorded_at"]),
        "business_date": date_text(event["business_date"]),
        "submitter": event["submitter"],
        "reference": event["reference"],
        "acting_person": event["acting_person"],
        "digest": record.digest().hex(),
        "prev_digest": event["prev_digest"],
        "data": rendering.to_json(record.name, event),
        "postings": [{"account": account, "amount_fen": amount} for account, amount in postings],
    }


def _booked(records: Iterable[Record]) -> Booked:
    return [(record, record.postings) for record in records]


def _own(stream: streams.Stream) -> str:
    return f"card:{stream.stream_id}:" if stream.is_card else ""


def _accounts(booked: Booked, own: str) -> list[Account]:
    sums: dict[str, list[int]] = {}
    for record, postings in booked:
        for account, amount in postings:
            if account.startswith(own):
                found = sums.setdefault(account, [0, 0, 0, 0])
                found[amount < 0] += abs(amount)
                found[2] += 1
                found[3] = max(found[3], record.position)
    return [Account(account, *sums[account]) for account in sorted(sums)]


def _statement_line(record: Record, postings: list[Posting], account: str, amount: int) -> dict[str, Any]:
    event = record.event
    return {
        "business_date": date_text(event["business_date"]),
        "occurred_at": instant_text(event["occurred_at"]),
        "position": record.position,
        "event": record.name,
        "amount_fen": amount,
        "running_fen": 0,
        "counter_accounts": [other for other, _ in postings if other != account],
        "submitter": event["submitter"],
        "reference": event["reference"],
    }


def _statement_of(account: str, opening: int, lines: list[dict[str, Any]]) -> dict[str, Any]:
    running = opening
    debit = credit = 0
    for line in lines:
        amount = line["amount_fen"]
        debit, credit = (debit + amount, credit) if amount > 0 else (debit, credit - amount)
        running += amount
        line["running_fen"] = running
    return {
        "account": account,
        "opening_fen": opening,
        "closing_fen": running,
        "debit_fen": debit,
        "credit_fen": credit,
        "lines": lines,
    }
