"""The simulation: repeatable to the byte, small in memory, and judged line by line by the second model."""

import hashlib
import io
import json
import tracemalloc
from collections import Counter
from datetime import date

import pytest

from ops.simulate import MIXES, PROVINCES, Simulation, simulate, write_commands
from ops.simulate.people import People, card_number, credit_code, person_number
from ops.simulate.places import CITIES
from tests.model.ledger import DECISIONS, Model

LONG_AFTER = 1_893_456_000_000_000  # 2030-01-01, in microseconds
MEANT = {
    "amount_differs", "approver_is_maker", "bad_format", "beneficiary_twice", "card_cancelled", "card_locked",
    "card_lost", "card_not_activated", "card_sn_retired", "card_unknown", "concession_not_valid", "cycle_unknown",
    "insufficient_transit_purse", "malformed_json", "person_has_live_card", "purse_limit_exceeded",
    "reference_reused", "settlement_confirmed", "settlement_not_balanced", "settlement_reversed", "settlement_voided",
    "tap_conflict", "tap_duplicate", "third_party_liable", "transfer_too_large", "treatment_not_registered",
    "unknown_code", "uploaded_before_tap", "wrong_type",
}  # fmt: skip


def digest(lines: int, seed: int, **options: object) -> str:
    return hashlib.sha256(b"".join(simulate(lines, seed, **options))).hexdigest()  # type: ignore[arg-type]


def no_fraction(text: str) -> None:
    raise AssertionError(f"a fraction: {text}")


def judge(simulation: Simulation) -> tuple[Model, Counter[str], Counter[str]]:
    """Let the model answer every line, and compare its answer with what the simulation meant the line to be."""
    model, answers, codes = Model(LONG_AFTER), Counter[str](), Counter[str]()
    refused = resubmitted = 0
    for number, line in enumerate(simulation, start=1):
        outcome = model.submit_line(line)
        assert outcome is not None
        meant = "recorded"
        if simulation.refused > refused:
            meant = "rejected"
        elif simulation.resubmitted > resubmitted:
            meant = "duplicate"
        refused, resubmitted = simulation.refused, simulation.resubmitted
        assert outcome.status == meant, f"line {number}: {outcome.code} {line.decode()}"
        answers[outcome.status] += 1
        if outcome.code:
            codes[outcome.code] += 1
    return model, answers, codes


@pytest.mark.parametrize("mix", MIXES)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(mix: str) -> None:
    assert digest(1_500, 4, mix=mix) == digest(1_500, 4, mix=mix)
    assert digest(1_500, 4, mix=mix) != digest(1_500, 5, mix=mix)


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("lines", [1, 7, 60, 333, 1_000, 5_001])
def test_exactly_as_many_lines_as_asked_for(lines: int, mix: str) -> None:
    written = list(simulate(lines, 11, mix=mix))
    assert len(written) == lines
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 and len(line) <= 65_536 for line in written)


def test_no_fraction_is_ever_written() -> None:
    for line in simulate(3_000, 12):
        try:
            json.loads(line, parse_float=no_fraction, parse_constant=no_fraction)
        except json.JSONDecodeError:
            assert line.startswith(b'{"command":"SettleMedical"'), "only a bill may be cut off in transmission"


@pytest.mark.parametrize("seed", [1, 2])
def test_every_command_but_erasure_appears_in_20_000_lines(seed: int) -> None:
    target = io.BytesIO()
    summary = write_commands(target, 20_000, seed)
    commands = summary["commands"]
    assert isinstance(commands, dict)
    # A person's key is destroyed thirty years after the last payment: no day shows that.
    assert set(commands) == set(DECISIONS) - {"DestroyPersonKey"}
    assert summary["lines"] == 20_000 == target.getvalue().count(b"\n") == sum(commands.values())
    transit = commands["TapTransit"] + commands["TopUpPurse"]
    assert 7_000 < transit < 10_000
    assert 3_600 < commands["SettleMedical"] < 6_000


@pytest.mark.parametrize(("lines", "seed"), [(400, 21), (2_000, 22), (2_000, 23)])
def test_the_model_answers_every_line_as_meant(lines: int, seed: int) -> None:
    simulation = Simulation(lines, seed)
    model, answers, codes = judge(simulation)
    assert answers["recorded"] + answers["duplicate"] >= lines * 96 // 100
    assert set(codes) <= MEANT
    assert sum(account["balance_fen"] for account in model.accounts()) == 0
    table = model.table("2025-06")
    pairs = {(row["home"], row["treatment"]) for row in table["rows"]}
    assert table["state"] == "CLOSED" and len(pairs) > 3
    assert len(model.notices("2025-06")["notices"]) > 3


@pytest.mark.parametrize("mix", ["taps", "settlements", "pension"])
def test_the_model_answers_every_line_of_a_single_family_as_meant(mix: str) -> None:
    model, answers, codes = judge(Simulation(1_200, 31, mix=mix))
    assert answers["recorded"] + answers["duplicate"] >= 1_152
    assert set(codes) <= MEANT
    assert sum(account["balance_fen"] for account in model.accounts()) == 0


@pytest.mark.parametrize(
    ("provinces", "start", "month"),
    [
        (("51",), date(2025, 6, 18), "2025-06"),
        (("50", "51"), date(2024, 12, 31), "2024-12"),
        (("11", "12", "13"), date(2026, 1, 2), "2026-01"),
        (tuple(CITIES), date(2024, 2, 29), "2024-02"),
    ],
)
def test_other_provinces_and_days_are_as_good(provinces: tuple[str, ...], start: date, month: str) -> None:
    model, _, codes = judge(Simulation(1_200, 41, provinces=provinces, start=start))
    assert set(codes) <= MEANT
    assert model.table(month)["state"] == "CLOSED"


def test_refusals_and_resubmissions_keep_their_shares() -> None:
    simulation = Simulation(30_000, 51)
    for _ in simulation:
        pass
    assert 300 <= simulation.refused <= 900
    assert 200 <= simulation.resubmitted <= 450


def test_memory_grows_with_the_cards_and_not_with_the_lines() -> None:
    tracemalloc.start()
    try:
        for _ in simulate(30_000, 61):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * 1024 * 1024, f"{peak >> 20} MiB"


def test_wrong_wishes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        Simulation(0, 1)
    with pytest.raises(ValueError, match="unknown mix"):
        Simulation(10, 1, mix="night")
    with pytest.raises(ValueError, match="parties"):
        Simulation(10, 1, provinces=("31", "71"))


def test_check_characters_are_those_of_the_standards() -> None:
    assert person_number("11010519491231002") == "11010519491231002X"
    assert person_number("44052418800101001") == "440524188001010014"
    assert card_number("X0000001") == "X00000019"
    assert credit_code("91350100M000100Y4") == "91350100M000100Y43"


def test_no_two_cards_share_a_holder() -> None:
    people = People(71, PROVINCES, 3, 2025)
    assert len({people.person(i) for i in range(30_000)}) == 30_000
