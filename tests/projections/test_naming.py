"""What is repeated of names that nothing is known by: everything but what may be a person's number."""

import pytest

from projections.questions.naming import masked, quoted

NUMBER, MASKED = "340101196001010014", "340101********0014"


@pytest.mark.parametrize(
    ("given", "repeated"),
    [
        (NUMBER, MASKED),
        ("34010119600101001X", "340101********001X"),
        ("34010119600101001x", "340101********001x"),
        ("340101 19600101 0014", MASKED),
        ("3401-0119-6001-0100-14", MASKED),
        ("340101600101001", "340101********001"),
        ("34010119600101001", "340101********001"),
        ("\uff13" + NUMBER[1:], MASKED),
        (f"p{NUMBER}q", f"p{MASKED}q"),
        (f"7{NUMBER}", f"7{MASKED}"),
        (f"{NUMBER}{NUMBER}", f"{MASKED}{MASKED}"),
        (f"{NUMBER}, {NUMBER} and {NUMBER}", f"{MASKED}, {MASKED} and {MASKED}"),
        ("123456789012345678", "123456********5678"),
        ("5 123456789012345678 6", "5 123456********5678 6"),
    ],
)
def test_what_may_be_a_persons_number_is_masked_as_in_a_reject(given: str, repeated: str) -> None:
    assert masked(given) == repeated


@pytest.mark.parametrize(
    "given",
    [
        "H3201000020020250618145809013947",
        "H32010000200-20250618145809-013947",
        "pension-2025-06",
        "2025-06-01, 2025-06-30, 2025-07-01",
        "20250618145809013947",
        "340000D15600000500000000000000A1",
        "2025-06-MEDICAL-34-31",
        "340101199902300014000",
        "34010119600101",
    ],
)
def test_ids_are_repeated_as_they_were_typed(given: str) -> None:
    assert masked(given) == given and quoted(given, "id") == f"the id {given!r}"


def test_a_card_whose_digits_look_like_a_persons_number_is_named() -> None:
    for name in ("340000D1560000051134010119600101", "11340101-1960-0101-0014-340101196001"):
        assert quoted(name) == f"the name {name!r}"
