"""`bench` in miniature: every figure is there and is a whole number; how large it is depends on the machine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops.bench import delay, rig
from ops.bench.figures import Figures, percentile, rate
from ops.bench.run import GROUPS
from ops.problems import EnvironmentProblem
from tests.fix_command import Onecard

TINY = rig.Scale(100, 60, 1, 40, 2, ((1, 3), (10, 2)), 30, 1, 5)
RAW = "fsync_p50 fsync_p99 insert_1 insert_10 insert_500 append_500 copy avro_decode avro_encode json sha256".split()
RAW_KAFKA = "raw_kafka_publish raw_kafka_poll raw_kafka_commit_p50 raw_kafka_commit_p99".split()
MEASURED = {
    "submit": "submit_500 submit_again",
    "processes": "submit_two_processes",
    "ledgers": "submit_two_ledgers",
    "small": "submit_1 submit_1_p50 submit_1_p99 submit_10 submit_10_p50 submit_10_p99",
    "follow": "follow_three_views follow_all_views follow_audit follow_balances follow_clearing",
    "rebuild": "rebuild_three_views rebuild_all_views rebuild_audit rebuild_balances rebuild_clearing",
    "replay": "replay_one_card",
    "verify": "verify",
    "kafka": "relay follow_topics_three_views follow_topics_all_views published_50_p50 published_50_p99"
    " visible_25_p50 visible_25_p99 visible_100_p50 visible_100_p99",
    "payouts": "payouts payouts_add payouts_export payouts_import payouts_memory",
}
SEEN = {"published": (1_000,), "visible": (500, 2_000)}
SLOWER = 20


@pytest.fixture
def miniature(onecard: Onecard, monkeypatch: pytest.MonkeyPatch) -> Onecard:
    """`onecard` whose quick bench is over in seconds. The store is embedded and durable whatever the tests run on."""
    from ops.cli import bench

    monkeypatch.setattr(bench, "QUICK", TINY)
    # Events come in at a twentieth of the real rates, which the figures are named after.
    monkeypatch.setattr(rig, "RATES", tuple(a_second // SLOWER for a_second in rig.RATES))
    monkeypatch.setattr(delay, "RATES", rig.RATES)
    monkeypatch.setattr(delay, "A_SECOND", delay.A_SECOND // 2)
    monkeypatch.setattr(delay, "SEEN", {name: tuple(one // SLOWER for one in rates) for name, rates in SEEN.items()})
    return onecard


def names(document: dict[str, Any]) -> set[str]:
    return {figure["name"] for figure in document["figures"]}


@pytest.mark.slow
def test_a_quick_bench_measures_everything_beside_its_raw_limit(miniature: Onecard, tmp_path: Path) -> None:
    ended = miniature("bench", "--quick", "--json")
    assert ended.code == 0, ended.stderr
    found = ended.json

    expected = {name for group in GROUPS for name in MEASURED[group].split()}
    assert names(found) == expected | {f"raw_{name}" for name in RAW} | {
        "raw_avro_one_card",
        "raw_command_memory",
        "raw_payouts",
        *RAW_KAFKA,
    }
    for figure in found["figures"]:
        assert figure.keys() == {"name", "value", "unit", "raw_limit"}
        assert type(figure["value"]) is int and figure["value"] > 0, figure
        if figure["name"].startswith("raw_"):
            assert figure["raw_limit"] is None
        else:
            assert type(figure["raw_limit"]) is int and figure["raw_limit"] > 0, figure
    machine = found["machine"]
    assert [machine[name] for name in rig.DURABLE] == ["on", "on", "on"]
    assert machine["cards"] >= 100 and machine["lines_per_run"] == 60
    assert not (tmp_path / "home" / "bench").exists(), "it cleans up"


def test_a_bench_can_be_asked_for_by_name_and_read_by_people(miniature: Onecard) -> None:
    ended = miniature("bench", "--quick", "replay")
    assert ended.code == 0, ended.stderr
    assert "replay_one_card" in ended.stdout and "raw_insert_500" in ended.stdout
    assert "submit_500" not in ended.stdout


def test_events_are_awaited_at_the_rates_that_figures_are_named_after() -> None:
    assert delay.SEEN == SEEN and {rate for rates in SEEN.values() for rate in rates} == set(rig.RATES)
    assert all(rate % delay.A_SECOND == 0 for rate in rig.RATES)


def test_an_unknown_name_is_wrong_usage(onecard: Onecard) -> None:
    ended = onecard("bench", "speed")
    assert ended.code == 2
    assert "submit, processes, ledgers, small" in ended.stderr


def test_a_store_that_may_lose_commits_is_not_measured(dsn: str) -> None:
    import psycopg

    class Careless:
        def connect(self) -> psycopg.Connection[Any]:
            connection = psycopg.connect(dsn, autocommit=True)
            connection.execute("SET synchronous_commit = off")
            return connection

    with pytest.raises(EnvironmentProblem, match="synchronous_commit = off"):
        rig.durable_settings(Careless())  # type: ignore[arg-type]


def test_a_figure_keeps_its_median_and_its_spread() -> None:
    figures = Figures()
    figures.add("raw_thing", "things/s", [50])
    figures.add("thing", "things/s", [7, 30, 8], "raw_thing")
    assert figures.as_json() == [
        {"name": "raw_thing", "value": 50, "unit": "things/s", "raw_limit": None},
        {"name": "thing", "value": 8, "unit": "things/s", "raw_limit": 50},
        {"name": "thing_min", "value": 7, "unit": "things/s", "raw_limit": 50},
        {"name": "thing_max", "value": 30, "unit": "things/s", "raw_limit": 50},
    ]


def test_rates_and_percentiles_are_whole_numbers() -> None:
    assert rate(10, 2_000_000_000) == 5
    assert rate(1, 10**12) == 1
    assert percentile(list(range(1, 101)), 50) == 50
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([4], 99) == 4


def test_the_simulated_day_is_long_enough_for_every_scale() -> None:
    for scale in (rig.FULL, rig.QUICK, TINY, replace(rig.QUICK, cards=100)):
        assert scale.simulated >= 2 * scale.day_lines
