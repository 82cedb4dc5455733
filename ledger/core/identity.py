"""Names of streams and of people.

Every stream has a UUID derived from its natural key (contract 0.2), so two ledgers and any auditor compute the same id.
People and cards are keyed by HMAC under a secret that never reaches the database: equality of keys is equality of
persons, and nobody can find a number by trying all of them.
"""

import hashlib
import hmac
from typing import Final

NAMESPACE: Final = bytes.fromhex("b769d2d36f5958cc9e05378a8ffee079")
NO_DIGEST: Final = "0" * 64


def _uuid5(name: str) -> str:
    """uuid.uuid5 without the object: four times faster, and every command needs one."""
    digest = bytearray(hashlib.sha1(NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def card_id_of(first_card_sn: str) -> str:
    """The card's id: UUIDv5 of the first card_sn it was issued with."""
    return _uuid5(first_card_sn)


def stream_id_of(kind: str, key: str) -> str:
    """Id of every other stream, e.g. ("cycle", "2025-06")."""
    return _uuid5(f"{kind}:{key}")


class Keyring:
    """Keyed hashes under the ledger's secret. Never print one, never store its secret."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def person(self, number: str) -> str:
        """person_key: HMAC-SHA-256 of the social security number, lower-case hex (contract 0.6)."""
        return hmac.digest(self._secret, number.encode("ascii"), "sha256").hex()

    def card_sn(self, card_sn: str) -> str:
        """Key of the state rows named by a card_sn; 128 bits are plenty to tell cards apart."""
        return hmac.digest(self._secret, b"card_sn:" + card_sn.encode("ascii"), "sha256")[:16].hex()

    def fingerprint(self) -> str:
        """What the store keeps to recognise the secret: says nothing about any person."""
        return hmac.digest(self._secret, b"onecard-ledger secret fingerprint", "sha256").hex()

    def __repr__(self) -> str:
        return "Keyring(...)"
