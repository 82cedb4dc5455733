"""Scratch tables of one verification: what the log says, set beside what the store holds. Gone with the session."""

from typing import Any

import psycopg

from ledger.store.lines import Tables

DDL = """
    CREATE TEMP TABLE seen_events (
        position bigint, stream_id uuid, version bigint, digest bytea, prev_digest bytea,
        submitter text COLLATE "C", reference text COLLATE "C"
    );
    CREATE TEMP TABLE seen_accounts (account text COLLATE "C", debit bigint, credit bigint, entries bigint);
    CREATE TEMP TABLE seen_rows (
        kind text COLLATE "C", key text COLLATE "C", revision bigint, data bytea, PRIMARY KEY (kind, key)
    );
    CREATE TEMP TABLE seen_lines (LIKE ledger.clearing_lines INCLUDING ALL);
    CREATE TEMP TABLE seen_units (LIKE ledger.clearing_units INCLUDING ALL);
    CREATE TEMP TABLE seen_cycle_rows (LIKE ledger.cycle_rows INCLUDING ALL);
"""


def make(connection: psycopg.Connection[Any]) -> None:
    connection.execute(DDL)


SEEN = Tables("seen_lines", "seen_units", "seen_cycle_rows")
