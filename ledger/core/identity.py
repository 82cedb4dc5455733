"""Names of streams and of people.

Every stream has a UUID derived from its natural key (contract 0.2), so two ledgers and any auditor compute the same id.
People and cards are keyed by HMAC under a secret that never reaches the database: equality of keys is equality of
persons, and nobody can find a number by trying all of them.
"""

import hashlib
from functools import lru_cache
from typing import Final

NAMESPACE: Final = bytes.fromhex("b769d2d36f5958cc9e05378a8ffee079")
NO_DIGEST: Final = "0" * 64
KEPT: Final = 8_192  # names kept: a batch asks for the same card several times


def _uuid5(name: str) -> str:
    """uuid.uuid5 without the object: four times faster, and every command needs one."""
    digest = bytearray(hashlib.sha1(NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=KEPT)
def card_id_of(first_card_sn: str) -> str:
    """The card's id: UUIDv5 of the first card_sn it was issued with."""
    return _uuid5(first_card_sn)


@lru_cache(maxsize=KEPT)
def stream_id_of(kind: str, key: str) -> str:
    """Id of every other stream, e.g. ("cycle", "2025-06")."""
    return _uuid5(f"{kind}:{key}")


class Keyring:
    """Keyed hashes under the ledger's secret. Never print one, never store its secret."""

    __slots__ = ("_inner", "_outer", "card_sn")

    def __init__(self, secret: bytes) -> None:
        # HMAC by two prepared hashes (RFC 2104): hmac.digest gives up the interpreter lock for every few bytes, which
        # costs ten times the hash while another thread commits.
        key = (secret if len(secret) <= 64 else hashlib.sha256(secret).digest()).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        self.card_sn = lru_cache(maxsize=KEPT)(self._card_sn)

    def _hmac(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    def person(self, number: str) -> str:
        """person_key: HMAC-SHA-256 of the social security number, lower-case hex (contract 0.6)."""
        return self._hmac(number.encode("ascii")).hex()

    def _card_sn(self, card_sn: str) -> str:
        """Key of the state rows named by a card_sn; 128 bits are plenty to tell cards apart."""
        return self._hmac(b"card_sn:" + card_sn.encode("ascii"))[:16].hex()

    def fingerprint(self) -> str:
        """What the store keeps to recognise the secret: says nothing about any person."""
        return self._hmac(b"onecard-ledger secret fingerprint").hex()

    def __repr__(self) -> str:
        return "Keyring(...)"
