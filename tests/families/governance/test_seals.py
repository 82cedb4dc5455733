"""The tree of a seal: RFC 6962 by its own words, grown or made at once, and what a seal says of the log."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.merkle import Tree
from tests.families.counter import ACTIVE, act, load
from tests.families.given import Ledger

LEAVES = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
# Roots of the first n of these leaves, as published with Certificate Transparency's reference implementation.
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, read word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


def tree_of(leaves: list[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree


@pytest.mark.parametrize("count", ROOTS)
def test_roots_are_those_that_others_publish(count: int) -> None:
    assert tree_of(LEAVES[:count]).root().hex() == ROOTS[count]


@given(leaves=st.lists(st.binary(max_size=4), max_size=70), cut=st.integers(0, 70))
def test_a_tree_grown_from_its_frontier_is_the_tree_made_at_once(leaves: list[bytes], cut: int) -> None:
    half = tree_of(leaves[:cut])
    grown = Tree(half.size, half.frontier)
    for leaf in leaves[cut:]:
        grown.add(leaf)

    assert grown.root() == tree_of(leaves).root() == by_definition(leaves)
    assert (half.size, half.root()) == (len(leaves[:cut]), by_definition(leaves[:cut]))


def test_a_frontier_of_another_size_is_no_tree() -> None:
    with pytest.raises(ValueError, match="complete subtrees"):
        Tree(3, [b"x"])


def test_a_seal_covers_every_event_before_it_and_names_the_seal_before() -> None:
    ledger = Ledger()
    ledger.given(*ACTIVE)
    (first,) = ledger.given(act("SealLog", "2025-06-02 12:00", None, seal_id="SL1"))
    ledger.given(load(1), load(2), load(3))
    (second,) = ledger.given(act("SealLog", "2025-06-03 12:00", None, seal_id="SL2"))

    bytes_of = [data for _, data in ledger.data]
    assert (first["after_position"], first["through_position"], first["tree_size"]) == (0, 2, 2)
    assert (second["after_position"], second["through_position"], second["tree_size"]) == (2, 6, 6)
    assert first["root"] == by_definition(bytes_of[:2]).hex()
    assert second["root"] == by_definition(bytes_of[:6]).hex()
    assert (first["previous_root"], second["previous_root"]) == ("0" * 64, first["root"])
    assert Tree(6, map(bytes.fromhex, second["frontier"])).root().hex() == second["root"]
    assert (first["card_version"], second["card_version"]) == (1, 2)
