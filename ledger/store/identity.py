"""What a store is: its source, its random id, the fingerprint of its secret, its configuration.

Fixed when the store is created and compared at every start: another secret would give every person a second key,
another configuration would decide the past's late facts differently.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import psycopg

from ledger.core.configuration import Configuration
from ledger.core.identity import Keyring

SELECT = """
    SELECT source, store_id::text, secret_fingerprint, configuration_digest, configuration FROM ledger.store
"""
INSERT = """
    INSERT INTO ledger.store (source, store_id, secret_fingerprint, configuration_digest, configuration)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class StoreMismatch(Exception):
    """This process brings another source, secret or configuration than the store was written with."""


@dataclass(frozen=True, slots=True)
class Identity:
    source: str
    store_id: str


def check(
    connection: psycopg.Connection[Any],
    source: str | None,
    default_source: str,
    config: Configuration,
    keyring: Keyring,
    extends: bool = True,
) -> Identity:
    """The store's identity; made now if the store is new. `source` None accepts whatever the store has.

    `extends`: a longer configuration becomes the store's. Who only reads leaves the store as it is.
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
            ),
        )
        row = connection.execute(SELECT).fetchone()
    assert row is not None
    kept_source, store_id, fingerprint, digest, entries = row
    if source is not None and source != kept_source:
        raise StoreMismatch(f"this store is the ledger of source {kept_source!r}, not {source!r}: see ONECARD_SOURCE")
    if fingerprint != keyring.fingerprint():
        raise StoreMismatch("this store was written with another secret: bring its file by ONECARD_SECRET_FILE")
    if digest != config.digest():
        brought = config.as_json()
        if brought[: len(entries)] != entries:
            raise StoreMismatch(
                "the configuration differs from the one this store was written with: entries are only added at the end,"
                " never edited or removed; bring the store's own by ONECARD_CONFIG"
            )
        if extends and not _extend(connection, digest, config):
            return check(connection, source, default_source, config, keyring)
    return Identity(kept_source, store_id)


def _extend(connection: psycopg.Connection[Any], digest: str, config: Configuration) -> bool:
    """Entries are only ever added: a longer list that begins with the stored one replaces it.

    False if another process has just extended it, perhaps otherwise: then there is another list to compare with.
    """
    changed = connection.execute(
        "UPDATE ledger.store SET configuration_digest = %s, configuration = %s WHERE configuration_digest = %s",
        (config.digest(), json.dumps(config.as_json()), digest),
    )
    return changed.rowcount == 1
