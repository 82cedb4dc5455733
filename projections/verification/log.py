"""The log by itself: dense positions, unbroken chains, bytes that decode, balanced postings, a receipt for every event.

One pass decodes every event; what needs another order (by stream, by reference, by account) is left to SQL over scratch
tables, so memory does not grow with the log.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg

from ledger.core.decider import Event
from ledger.families.registry import EVENTS
from ledger.service.recording import stream_id
from ledger.store import codec
from ledger.store.recorder import TOPICS, History
from projections.findings import Finding
from projections.verification.rederive import Rederivation
from projections.verification.report import DAMAGE, MOST_OF_A_KIND, Report
from projections.verification.scratch import Cursor, copied, copy

PAGE_EVENTS: Final = 5_000
ACCOUNTS_IN_MEMORY: Final = 200_000
CHAINS: Final = """
    SELECT stream_id, position, version, before, position < position_before,
           prev_digest IS NOT NULL AND prev_digest <> coalesce(digest_before, %(none)s)
    FROM (
        SELECT stream_id, position, version, prev_digest, coalesce(lag(version) OVER chain, 0) AS before,
               lag(position) OVER chain AS position_before, lag(digest) OVER chain AS digest_before
        FROM pg_temp.seen_events WINDOW chain AS (PARTITION BY stream_id ORDER BY version, position)
    ) AS seen
    WHERE version <> before + 1 OR position < position_before OR prev_digest <> coalesce(digest_before, %(none)s)
    ORDER BY position LIMIT %(most)s
"""
# A receipt whose event cannot be decoded is no second finding.
SUBMISSIONS: Final = """
    WITH firsts AS (
        SELECT DISTINCT ON (submitter, reference) submitter, reference, position, stream_id, version
        FROM pg_temp.seen_events WHERE submitter IS NOT NULL ORDER BY submitter, reference, position
    )
    SELECT submitter, reference, e.position, s.position
    FROM firsts AS e FULL JOIN ledger.submissions AS s USING (submitter, reference)
    WHERE (e.position, e.stream_id, e.version) IS DISTINCT FROM (s.position, s.stream_id, s.version)
        AND coalesce(s.position, 0) NOT IN (SELECT position FROM pg_temp.seen_events WHERE submitter IS NULL)
    ORDER BY coalesce(s.position, e.position) LIMIT %s
"""


class Reading:
    """One pass over the log, in order: every event by itself, then handed on to the rows it changes."""

    def __init__(self, connection: psycopg.Connection[Any], rows: Rederivation, report: Report) -> None:
        self._connection = connection
        self._rows = rows
        self._report = report
        self._recorded_at = 0
        self._seen: list[str] = []
        self._accounts: dict[str, list[int]] = {}

    def read(self, progress: Callable[[int], None]) -> None:
        """Everything there is; `progress` is told the position reached."""
        history = History(self._connection)
        while page := history.page(self._report.position, PAGE_EVENTS):
            decoded = [self._decoded(stored) for stored in page]
            self._rows.begin_page(found for found in decoded if found is not None)
            for stored, found in zip(page, decoded, strict=True):
                self._take(stored, found)
            self._rows.end_page()
            self._spill(ACCOUNTS_IN_MEMORY)
            progress(self._report.position)
        self._rows.finish()
        self._spill(0)

    def _decoded(self, stored: Any) -> tuple[str, Event] | None:
        try:
            return codec.decode(stored.state)
        except codec.Undecodable as error:
            self._report.add("undecodable", str(stored.originator_id), stored.id, str(error))
            return None

    def _take(self, stored: Any, found: tuple[str, Event] | None) -> None:
        report, stream = self._report, str(stored.originator_id)
        report.extend(gap(report.position, stored.id))
        if stored.id != report.position + 1 or found is None:
            report.is_damaged = True
        report.position = stored.id
        report.events += 1
        digest = hashlib.sha256(stored.state).hexdigest()
        if found is None:
            self._seen.append(f"{stored.id}\t{stream}\t{stored.originator_version}\t\\\\x{digest}\t\\N\t\\N\t\\N\n")
            return
        name, event = found
        report.extend(envelope(stored, name, event))
        if event["recorded_at"] < self._recorded_at:
            detail = "recorded_at is earlier than that of an event before"
            report.add("recorded_at_falls", stream, stored.id, detail)
        self._recorded_at = max(self._recorded_at, event["recorded_at"])
        legs = postings(stored, name, event)
        report.extend(legs.findings)
        report.postings += len(legs.amounts)
        for account, amount in legs.amounts.items():
            sums = self._accounts.get(account)
            if sums is None:
                sums = self._accounts[account] = [0, 0, 0]
            if amount < 0:
                sums[1] -= amount
            else:
                sums[0] += amount
            sums[2] += 1
        self._rows.take(name, event, stored.id, digest)
        self._seen.append(
            f"{stored.id}\t{stream}\t{stored.originator_version}\t\\\\x{digest}\t\\\\x{event['prev_digest']}\t"
            f"{copied(event['submitter'])}\t{copied(event['reference'])}\n"
        )

    def _spill(self, most: int) -> None:
        with self._connection.cursor() as cursor:
            copy(cursor, "seen_events", self._seen)
            self._seen = []
            if len(self._accounts) > most:
                lines = [f"{copied(one)}\t{a}\t{b}\t{n}\n" for one, (a, b, n) in self._accounts.items()]
                copy(cursor, "seen_accounts", lines)
                self._accounts = {}


class Legs:
    """What an event posts, zero or not, and what is wrong with it."""

    __slots__ = ("amounts", "findings")

    def __init__(self) -> None:
        self.amounts: dict[str, int] = {}
        self.findings: list[Finding] = []


def postings(stored: Any, name: str, event: Event) -> Legs:
    """As `registry.postings_for`, but what does not balance is told and counted all the same."""
    made, total = Legs(), 0
    try:
        for account, amount in EVENTS[name].postings(event):
            total += amount
            made.amounts[account] = made.amounts.get(account, 0) + amount
        made.amounts = {account: amount for account, amount in made.amounts.items() if amount}
        wrong = f"the postings of {name} sum to {total}" if total else ""
    except DAMAGE as error:
        wrong = f"{name} has no postings: {error!r}"
    if wrong:
        made.findings.append(Finding("postings_unbalanced", str(stored.originator_id), position_of(stored), wrong))
    return made


def position_of(stored: Any) -> int | None:
    """Position of a stored event; events read by stream do not know theirs."""
    found: int | None = getattr(stored, "id", None)
    return found


def envelope(stored: Any, name: str, event: Event) -> list[Finding]:
    """The columns beside the bytes say what the bytes say."""
    said = (event.get("card_id") or event.get("stream_id"), event["card_version"], TOPICS[name])
    kept = (str(stored.originator_id), stored.originator_version, stored.topic)
    try:
        derived = stream_id(EVENTS[name].stream(event))
    except DAMAGE as error:
        derived = repr(error)
    if said == kept and derived == said[0]:
        return []
    detail = f"the row says {kept}, its bytes {said}, its key gives stream {derived}"
    return [Finding("envelope_differs", kept[0], position_of(stored), detail)]


def gap(before: int, position: int) -> list[Finding]:
    """Positions between two events that hold none."""
    first, last = before + 1, position - 1
    if first > last:
        return []
    return [Finding("position_gap", f"{first}..{last}", first, f"{last - first + 1} positions hold no event")]


def chains(cursor: Cursor) -> Iterator[Finding]:
    """Every stream by itself: versions and positions rise together, each event names the one before by its digest."""
    cursor.execute(CHAINS, {"none": bytes(32), "most": MOST_OF_A_KIND + 1})
    for stream, position, version, before, falls, broken in cursor.fetchall():
        if version != before + 1:
            yield Finding("version_gap", str(stream), position, f"version {version} follows version {before}")
        elif falls:
            yield Finding("version_gap", str(stream), position, f"version {version} stands before version {before}")
        if broken:
            detail = f"prev_digest of version {version} is not the digest of the stream's previous event"
            yield Finding("chain_broken", str(stream), position, detail)


def submissions(cursor: Cursor) -> Iterator[Finding]:
    """Every receipt has its event and every event its receipt."""
    cursor.execute(SUBMISSIONS, (MOST_OF_A_KIND + 1,))
    for submitter, reference, event, receipt in cursor.fetchall():
        subject = f"{submitter} {reference}"
        if receipt is None:
            yield Finding("submission_extra", subject, event, "an event without a receipt")
        elif event is None:
            yield Finding("submission_missing", subject, receipt, "a receipt without its event")
        else:
            detail = f"the receipt names another event than that of position {event}"
            yield Finding("submission_missing", subject, receipt, detail)
