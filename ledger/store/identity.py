"""What a store is: its source, its random id, the fingerprint of its secret, its configuration, how rows are kept.

Fixed when the store is created and compared at every start: another secret would give every person a second key,
another configuration would decide the past's late facts differently. Only the configuration may grow, by entries at its
end, and only together with the event that says so (`ledger.service.extending`).
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg
from pydantic import ValidationError

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring
from ledger.core.rows import ROWS_VERSION

SELECT = """
    SELECT source, store_id::text, secret_fingerprint, configuration_digest, configuration FROM ledger.store
"""
INSERT = """
    INSERT INTO ledger.store
        (source, store_id, secret_fingerprint, configuration_digest, configuration, first_entries, rows_version)
    VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
EXTEND = """
    UPDATE ledger.store SET configuration_digest = %s, configuration = %s WHERE configuration_digest = %s RETURNING true
"""

MOST_SHOWN = 100


class StoreMismatch(Exception):
    """This process brings another source, secret or configuration than the store was written with."""


@dataclass(frozen=True, slots=True)
class Identity:
    source: str
    store_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The configuration as the store keeps it: its entries as JSON, and the digest beside them."""

    digest: str
    entries: list[dict[str, Any]]

    def configuration(self) -> Configuration:
        try:
            return Configuration.load(self.entries)
        except ValidationError:
            raise StoreMismatch(
                "the configuration kept in the store was changed, or is that of a newer program: run `onecard verify`"
            ) from None

    def require_beginning_of(self, config: Configuration) -> None:
        """StoreMismatch unless the list goes on where the store's ends."""
        number = None if self.digest == config.digest() else self.differs_at(config)
        if number is not None:
            brought = config.as_json()[number - 1 : number]
            says = f"says {_shown(brought[0])}" if brought else "is missing"
            raise StoreMismatch(
                f"the configuration differs from the one this store was written with: entry {number} {says}, and the"
                f" store has {_shown(self.entries[number - 1])}; entries are only added at the end, never edited or"
                " removed, so bring the store's own by ONECARD_CONFIG"
            )

    def differs_at(self, config: Configuration) -> int | None:
        """Number of the first entry of the store that a list has not at that place; None if it goes on from there."""
        brought = config.as_json()
        for number, entry in enumerate(self.entries, 1):
            if number > len(brought) or brought[number - 1] != entry:
                return number
        return None


def _shown(entry: Any) -> str:
    fields = ("key", "scope", "effective_from", "value")
    text = " ".join(str(entry.get(name)) for name in fields) if isinstance(entry, dict) else str(entry)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def kept(connection: psycopg.Connection[Any]) -> Kept | None:
    """The configuration of the store; None before it is made."""
    row = connection.execute("SELECT configuration_digest, configuration FROM ledger.store").fetchone()
    return None if row is None else Kept(*row)


def check(
    connection: psycopg.Connection[Any],
    source: str | None,
    default_source: str,
    config: Configuration,
    keyring: Keyring,
) -> Identity:
    """The store's identity; made now if the store is new. `source` None accepts whatever the store has.

    A longer configuration passes, and leaves the store's as it is.
    """
    row = connection.execute(SELECT).fetchone()
    if row is None:
        connection.execute(
            INSERT,
            (
                source or default_source,
                uuid.uuid4(),
                keyring.fingerprint(),
                config.digest(),
                json.dumps(config.as_json()),
                len(config.entries),
                ROWS_VERSION,
            ),
        )
        row = connection.execute(SELECT).fetchone()
    assert row is not None
    kept_source, store_id, fingerprint, digest, entries = row
    if source is not None and source != kept_source:
        raise StoreMismatch(f"this store is the ledger of source {kept_source!r}, not {source!r}: see ONECARD_SOURCE")
    if fingerprint != keyring.fingerprint():
        raise StoreMismatch("this store was written with another secret: bring its file by ONECARD_SECRET_FILE")
    Kept(digest, entries).require_beginning_of(config)
    return Identity(kept_source, store_id)


def in_force(connection: psycopg.Connection[Any], config: Configuration) -> Configuration:
    """The store's configuration, asked by who has just taken the lease: another process may have extended it."""
    row = connection.execute("SELECT configuration_digest, rows_version FROM ledger.store").fetchone()
    if row is None:
        return config
    _require_rows(row[1])
    if row[0] == config.digest():
        return config
    found = kept(connection)
    assert found is not None
    longer = found.configuration()
    if not longer.begins_with(config):
        raise StoreMismatch("the store's configuration is not the one this process began with: repeat the command")
    return longer


def require_rows(connection: psycopg.Connection[Any]) -> None:
    """StoreMismatch if rows are not kept as this program keeps them: it would decide by what it misreads."""
    _require_rows(_rows_version(connection))


def require_no_newer_rows(connection: psycopg.Connection[Any]) -> None:
    """StoreMismatch if this program is too old to make the rows again."""
    _require_rows(max(_rows_version(connection), ROWS_VERSION))


def _rows_version(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT rows_version FROM ledger.store").fetchone()
    return ROWS_VERSION if row is None else int(row[0])


def _require_rows(version: int) -> None:
    if version < ROWS_VERSION:
        raise StoreMismatch(
            "what decisions remember was kept by an earlier version of this program: stop whatever of it still runs,"
            " then have it made again from the log by `onecard restore-rows`"
        )
    if version > ROWS_VERSION:
        raise StoreMismatch("what decisions remember is kept by a newer version of this program: upgrade this one")


def rows_made(connection: psycopg.Connection[Any]) -> Any:
    """Another one each time that rows were made again (and when the configuration grew)."""
    return connection.execute("SELECT xmin::text FROM ledger.store").fetchone()


def note_rows(cursor: psycopg.Cursor[Any]) -> None:
    """Every row was made by this program now."""
    cursor.execute("UPDATE ledger.store SET rows_version = %s", (ROWS_VERSION,))


def extend(cursor: psycopg.Cursor[Any], before: str, config: Configuration) -> None:
    """In an append transaction: the list whose digest is `before` becomes this longer one."""
    cursor.execute(EXTEND, (config.digest(), json.dumps(config.as_json()), before))
    if not cursor.fetchall():
        raise StoreMismatch("the store's configuration changed meanwhile: repeat the command")
