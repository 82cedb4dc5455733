"""Keyed hashes are HMAC-SHA-256, whatever the length of the secret."""

import hmac

import pytest

from ledger.core.identity import Keyring


@pytest.mark.parametrize("length", [1, 32, 63, 64, 65, 200])
def test_a_person_key_is_the_hmac_of_the_number(length: int) -> None:
    secret, number = bytes(range(length)), "340101196001010014"

    assert Keyring(secret).person(number) == hmac.digest(secret, number.encode(), "sha256").hex()
