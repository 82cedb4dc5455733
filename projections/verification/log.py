"""The log by itself: dense positions, unbroken chains, bytes that decode, balanced postings, receipts, state rows.

One pass decodes every event; what needs another order (by stream, by reference, by account) is left to SQL over scratch
tables, so memory does not grow with the log.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.postings import Unbalanced
from ledger.families.registry import EVENTS, postings_for
from ledger.service.recording import stream_id
from ledger.store import codec
from ledger.store.recorder import TOPICS, History
from projections.findings import Finding
from projections.verification import scratch
from projections.verification.rederive import Rederivation

PAGE_EVENTS = 5_000


@dataclass(slots=True)
class Checked:
    """What was looked at, and what was found."""

    position: int = 0
    events: int = 0
    streams: int = 0
    postings: int = 0
    accounts: int = 0
    findings: list[Finding] = field(default_factory=list)


def check_log(
    connection: psycopg.Connection[Any],
    config: Configuration,
    keyring: Keyring,
    progress: Callable[[int], None],
) -> Checked:
    """Everything the store holds against what its events say. Runs in one snapshot of the caller's making."""
    scratch.make(connection)
    checked = Checked()
    rows = Rederivation(connection, config, keyring)
    history = History(connection)
    while page := history.page(checked.position, PAGE_EVENTS):
        _check_page(connection, page, rows, checked)
        rows.flush()
        progress(checked.events)
    checked.findings.extend(rows.findings)
    with connection.cursor() as cursor:
        for question in (_gaps, _chains, _submissions, _sums):
            checked.findings.extend(question(cursor))
        if rows.failed is None:
            for question in (_rows, _units, _lines, _cycle_rows):
                checked.findings.extend(question(cursor))
        checked.streams = _one(cursor, "SELECT count(DISTINCT stream_id) FROM seen_events")
        checked.accounts = _one(cursor, "SELECT count(DISTINCT account) FROM seen_accounts")
    return checked


def _one(cursor: psycopg.Cursor[Any], query: str) -> int:
    row = cursor.execute(query).fetchone()
    return int(row[0]) if row else 0


def _check_page(connection: psycopg.Connection[Any], page: Any, rows: Rederivation, checked: Checked) -> None:
    seen: list[tuple[Any, ...]] = []
    accounts: dict[str, list[int]] = {}
    for stored in page:
        checked.position = stored.id
        checked.events += 1
        digest = hashlib.sha256(stored.state).digest()
        try:
            name, event = codec.decode(stored.state)
        except codec.Undecodable as error:
            checked.findings.append(Finding("undecodable", str(stored.originator_id), stored.id, str(error)))
            rows.failed = rows.failed or Finding("undecodable", "", stored.id, "")
            seen.append((stored.id, stored.originator_id, stored.originator_version, digest, None, None, None))
            continue
        checked.findings.extend(_envelope(stored, name, event))
        try:
            for account, amount in postings_for(name, event):
                sums = accounts.setdefault(account, [0, 0, 0])
                sums[amount < 0] += abs(amount)
                sums[2] += 1
                checked.postings += 1
        except Unbalanced as error:
            checked.findings.append(Finding("postings_unbalanced", str(stored.originator_id), stored.id, str(error)))
        rows.take(name, event, stored.id, digest.hex())
        seen.append(
            (
                stored.id,
                stored.originator_id,
                stored.originator_version,
                digest,
                bytes.fromhex(event["prev_digest"]),
                event["submitter"],
                event["reference"],
            )
        )
    with connection.cursor() as cursor:
        with cursor.copy("COPY seen_events FROM STDIN") as copy:
            for row in seen:
                copy.write_row(row)
        with cursor.copy("COPY seen_accounts FROM STDIN") as copy:
            for account, sums in accounts.items():
                copy.write_row((account, *sums))


def _envelope(stored: Any, name: str, event: dict[str, Any]) -> list[Finding]:
    """The columns beside the bytes say what the bytes say."""
    said = (event.get("card_id") or event.get("stream_id"), event["card_version"], TOPICS[name])
    kept = (str(stored.originator_id), stored.originator_version, stored.topic)
    derived = stream_id(EVENTS[name].stream(event))
    if said == kept and derived == said[0]:
        return []
    return [Finding("envelope_differs", kept[0], stored.id, f"the row says {kept}, its bytes {said}, its key {derived}")]


def _gaps(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    cursor.execute("""
        SELECT before + 1, position - 1 FROM (
            SELECT position, coalesce(lag(position) OVER (ORDER BY position), 0) AS before FROM seen_events
        ) AS seen WHERE position <> before + 1 ORDER BY 1
    """)
    return [
        Finding("position_gap", f"{first}..{last}", first, f"{last - first + 1} positions hold no event")
        for first, last in cursor.fetchall()
    ]


def _chains(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    cursor.execute("""
        SELECT stream_id, position, version, before, prev_digest IS DISTINCT FROM coalesce(digest_before, %s) FROM (
            SELECT stream_id, position, version, prev_digest,
                   coalesce(lag(version) OVER chain, 0) AS before, lag(digest) OVER chain AS digest_before
            FROM seen_events WINDOW chain AS (PARTITION BY stream_id ORDER BY version)
        ) AS seen
        WHERE version <> before + 1 OR prev_digest IS DISTINCT FROM coalesce(digest_before, %s)
        ORDER BY position
    """, (bytes(32), bytes(32)))
    found = []
    for stream, position, version, before, broken in cursor.fetchall():
        if version != before + 1:
            found.append(Finding("version_gap", str(stream), position, f"version {version} follows version {before}"))
        if broken:
            detail = f"prev_digest of version {version} is not the digest of the stream's previous event"
            found.append(Finding("chain_broken", str(stream), position, detail))
    return found


def _submissions(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    cursor.execute("""
        WITH firsts AS (
            SELECT DISTINCT ON (submitter, reference) submitter, reference, position, stream_id, version
            FROM seen_events WHERE submitter IS NOT NULL ORDER BY submitter, reference, position
        )
        SELECT submitter, reference, e.position, s.position
        FROM firsts AS e FULL JOIN ledger.submissions AS s USING (submitter, reference)
        WHERE (e.position, e.stream_id, e.version) IS DISTINCT FROM (s.position, s.stream_id, s.version)
    """)
    found = []
    for submitter, reference, event, receipt in cursor.fetchall():
        subject = f"{submitter} {reference}"
        if event is not None:
            detail = "no receipt" if receipt is None else f"its receipt names position {receipt}"
            found.append(Finding("submission_missing", subject, event, f"an event with {detail}"))
        if receipt is not None and event is None:
            found.append(Finding("submission_extra", subject, receipt, "a receipt without an event"))
    return found


def _sums(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    total = _one(cursor, "SELECT coalesce(sum(debit) - sum(credit), 0) FROM seen_accounts")
    return [Finding("invariant_broken", "zero_sum", None, f"all balances sum to {total}")] if total else []


def _rows(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    cursor.execute("""
        SELECT kind, key, coalesce(s.revision, r.revision), s.data IS NULL, r.data IS NULL
        FROM ledger.state AS s FULL JOIN seen_rows AS r USING (kind, key)
        WHERE (s.revision, s.data) IS DISTINCT FROM (r.revision, r.data)
    """)
    names = {True: "state_missing", False: "state_differs"}
    return [
        Finding(
            "state_extra" if extra else names[missing], f"{kind} {key}", revision, "not what the stream's events lead to"
        )
        for kind, key, revision, missing, extra in cursor.fetchall()
    ]


def _differing(cursor: psycopg.Cursor[Any], store: str, seen: str, key: str, position: str) -> list[tuple[Any, ...]]:
    cursor.execute(f"""
        SELECT {key}, {position} FROM (
            (SELECT * FROM {store} EXCEPT ALL SELECT * FROM {seen})
            UNION ALL (SELECT * FROM {seen} EXCEPT ALL SELECT * FROM {store})
        ) AS differing GROUP BY 1, 2 ORDER BY 2
    """)
    return cursor.fetchall()


def _units(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    return [
        Finding("unit_differs", unit, position, "the clearing unit is not what its events lead to")
        for unit, position in _differing(cursor, "ledger.clearing_units", "seen_units", "unit", "position")
    ]


def _lines(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    return [
        Finding("line_differs", line, position, "the stored clearing line is not what its event makes")
        for line, position in _differing(
            cursor, "ledger.clearing_lines", "seen_lines", "position || '-' || n", "position"
        )
    ]


def _cycle_rows(cursor: psycopg.Cursor[Any]) -> list[Finding]:
    return [
        Finding("table_differs", cycle, None, "the stored table is not what the log's lines give")
        for cycle, _ in _differing(cursor, "ledger.cycle_rows", "seen_cycle_rows", "cycle", "NULL::bigint")
    ]


def check_card(connection: psycopg.Connection[Any], card_id: str) -> Checked:
    """One stream's chain, postings and head; cheap enough to ask at a counter."""
    checked = Checked(streams=1)
    digest, version = bytes(32), 0
    for stored in History(connection).recorder.select_events(UUID(card_id)):
        checked.events += 1
        try:
            name, event = codec.decode(stored.state)
            checked.postings += len(postings_for(name, event))
        except (codec.Undecodable, Unbalanced) as error:
            kind = "undecodable" if isinstance(error, codec.Undecodable) else "postings_unbalanced"
            checked.findings.append(Finding(kind, card_id, None, str(error)))
        else:
            if stored.originator_version != version + 1:
                detail = f"version {stored.originator_version} follows version {version}"
                checked.findings.append(Finding("version_gap", card_id, None, detail))
            if event["prev_digest"] != digest.hex():
                detail = f"prev_digest of version {stored.originator_version} is not the previous event's digest"
                checked.findings.append(Finding("chain_broken", card_id, None, detail))
        digest, version = hashlib.sha256(stored.state).digest(), stored.originator_version
    row = connection.execute("SELECT data FROM ledger.state WHERE kind = 'card' AND key = %s", (card_id,)).fetchone()
    if row is not None:
        from ledger.families.card.holder import Card
        from ledger.store.state import decode

        head = decode(Card, row[0])
        assert isinstance(head, Card)
        if (head.version, head.digest) != (version, digest.hex()):
            checked.findings.append(Finding("head_stale", card_id, None, f"the head says version {head.version}"))
    return checked
