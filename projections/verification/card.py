"""One card by itself, cheap enough to ask at a counter: its stream's chain and postings, its head, its accounts.

A card's accounts are posted to by events of its own stream alone, so the stream tells what is on them.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import IsolationLevel

from ledger.core.fields import CARD_SN
from ledger.core.identity import NO_DIGEST, Keyring, card_id_of
from ledger.families.card.holder import Card, CardSn
from ledger.store import codec, state
from ledger.store.recorder import History
from projections import tracking
from projections.questions.balances import NEVER_BELOW_ZERO
from projections.questions.naming import STREAM_ID, unknown_card
from projections.questions.snapshot import Cursor
from projections.verification import log
from projections.verification.report import DAMAGE, Report
from projections.views import audit, balances

PURSES: Final = ("medical_account", "transit_purse", "family_aid", "wallet", "benefits", "recovery")
ROW: Final = "SELECT data FROM ledger.state WHERE kind = %s AND key = %s"
EVENTS: Final = """
    SELECT notification_id AS id, originator_id, originator_version, topic, state FROM ledger.events
    WHERE originator_id = %s ORDER BY originator_version
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as the table has it."""

    id: int
    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes


def check(
    connection: psycopg.Connection[Any], source: str, name: str, keyring: Keyring, with_views: bool
) -> tuple[str, Report]:
    """`name`: a card_sn or a card_id; Unknown if no event was ever recorded on such a card. Its card_id beside."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction(), connection.cursor() as cursor:
        card_id = _card_id(cursor, name, keyring)
        checking = _Checking(cursor, card_id)
        checking.read()
        checking.compare_head()
        if with_views:
            checking.compare_balances(source)
            checking.compare_audit(source)
        checking.report.position = History(connection).head()
    return card_id, checking.report


def _card_id(cursor: Cursor, name: str, keyring: Keyring) -> str:
    """By what the store remembers of a card_sn; by its first card_sn if it has forgotten."""
    card_id = name.lower()
    if CARD_SN.fullmatch(name):
        cursor.execute(ROW, (CardSn.kind, keyring.card_sn(name)), binary=True)
        row = cursor.fetchone()
        try:
            found = state.decode(CardSn, row[0]) if row else None
        except DAMAGE:
            found = None
        card_id = found.card_id if isinstance(found, CardSn) else card_id_of(name)
    if STREAM_ID.fullmatch(card_id):
        cursor.execute("SELECT FROM ledger.events WHERE originator_id = %s LIMIT 1", (card_id,))
        if cursor.fetchone() is not None:
            return card_id
    raise unknown_card(name, "in the log")


class _Checking:
    def __init__(self, cursor: Cursor, card_id: str) -> None:
        self._cursor = cursor
        self._card_id = card_id
        self._events: list[tuple[int, int, str, list[tuple[str, int]]]] = []
        self._last = (0, NO_DIGEST, 0)
        self.report = Report(streams=1)

    def read(self) -> None:
        """The stream in order of versions."""
        self._cursor.execute(EVENTS, (self._card_id,), binary=True)
        report = self.report
        version, digest, position = self._last
        for values in self._cursor.fetchall():
            stored = Stored(*values)
            report.events += 1
            own = hashlib.sha256(stored.state).hexdigest()
            if stored.originator_version != version + 1:
                detail = f"version {stored.originator_version} follows version {version}"
                report.add("version_gap", self._card_id, stored.id, detail)
            elif stored.id < position:
                detail = f"version {stored.originator_version} stands before version {version}"
                report.add("version_gap", self._card_id, stored.id, detail)
            self._events.append((stored.id, stored.originator_version, own, self._postings(stored, digest)))
            version, digest, position = stored.originator_version, own, stored.id
        self._last = version, digest, position
        for account, amount in self._accounts().items():
            report.accounts += 1
            if amount < 0 and f"card:{account.rpartition(':')[2]}" in NEVER_BELOW_ZERO:
                report.add("invariant_broken", f"never_below_zero {account}", None, f"its balance is {amount} fen")

    def _postings(self, stored: Stored, prev_digest: str) -> list[tuple[str, int]]:
        """The event's legs on the card's accounts."""
        report = self.report
        try:
            name, event = codec.decode(stored.state)
        except codec.Undecodable as error:
            report.add("undecodable", self._card_id, stored.id, str(error))
            return []
        if event["prev_digest"] != prev_digest:
            detail = f"prev_digest of version {stored.originator_version} is not the previous event's digest"
            report.add("chain_broken", self._card_id, stored.id, detail)
        report.extend(log.envelope(stored, name, event))
        legs = log.postings(stored, name, event)
        report.extend(legs.findings)
        report.postings += len(legs.amounts)
        return [leg for leg in legs.amounts.items() if leg[0].startswith(f"card:{self._card_id}:")]

    def _accounts(self, up_to: int | None = None) -> dict[str, int]:
        sums: dict[str, int] = {}
        for position, _, _, legs in self._events:
            if up_to is None or position <= up_to:
                for account, amount in legs:
                    sums[account] = sums.get(account, 0) + amount
        return sums

    def compare_head(self) -> None:
        """What the store remembers of the card."""
        self._cursor.execute(ROW, (Card.kind, self._card_id), binary=True)
        row = self._cursor.fetchone()
        version, digest, position = self._last
        subject = f"{Card.kind} {self._card_id}"
        if row is None:
            self.report.add("state_missing", subject, position, "the store has forgotten the card")
            return
        try:
            head = state.decode(Card, row[0])
            assert isinstance(head, Card)
        except DAMAGE as error:
            self.report.add("state_differs", subject, position, f"its row is absurd: {error}")
            return
        if (head.version, head.digest) != (version, digest):
            detail = f"the head says version {head.version}, the stream's last event is version {version}"
            if head.version == version:
                detail = "the head's digest is not that of the stream's last event"
            self.report.add("head_stale", self._card_id, position, detail)
        sums = self._accounts()
        for purse in PURSES:
            kept, right = getattr(head, purse), sums.get(f"card:{self._card_id}:{purse}", 0)
            if kept != right:
                self.report.add("state_differs", subject, position, f"{purse} is {kept} fen, by its events {right} fen")

    def compare_balances(self, source: str) -> None:
        """The card's accounts in the balances view."""
        version, position = tracking.position_of(self._cursor, balances.NAME, source)
        prefix = f"card:{self._card_id}:"
        kept = {one.account: one for one in balances.accounts(self._cursor, version, source, prefix)}
        right = self._accounts(position)
        for account in kept.keys() | right.keys():
            if account not in kept:
                self.report.add("account_missing", account, position, f"the log has {right[account]} fen on it")
            elif account not in right:
                self.report.add("account_extra", account, kept[account].last_position, "no event posts to it")
            elif kept[account].balance_fen != right[account]:
                detail = f"{kept[account].balance_fen} fen, by the log {right[account]} fen"
                self.report.add("balance_differs", account, kept[account].last_position, detail)

    def compare_audit(self, source: str) -> None:
        """The card's rows in the audit view."""
        version, position = tracking.position_of(self._cursor, audit.NAME, source)
        self._cursor.execute(
            f"SELECT position, card_version, encode(digest, 'hex') FROM views.audit_v{version}"
            " WHERE source = %s AND stream_id = %s",
            (source, self._card_id),
        )
        kept = {row[0]: row for row in self._cursor.fetchall()}
        right = {one[0]: one[:3] for one in self._events if one[0] <= position}
        for at in kept.keys() | right.keys():
            if kept.get(at) != right.get(at):
                kind = "audit_missing" if at not in kept else "audit_extra" if at not in right else "audit_differs"
                self.report.add(kind, "event", at, "the audit view does not say what the log says")
