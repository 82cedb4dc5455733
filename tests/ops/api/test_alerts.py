"""Alerts ask for metrics that exist, by labels that these have, and every one of them is in the operator's page."""

import re
from typing import Any

import pytest
import yaml

from ops.api.look import Look
from ops.api.metrics import Figures
from ops.api.subjects import Subjects
from ops.api.watch import Seen, Watch
from projections.kafka.access import BrokerProblem
from projections.questions.brokers import Ends, Hanging, OfOneSource
from projections.questions.lag import Follower
from projections.questions.lagging import Account
from projections.questions.topic_lag import Waiting
from schemas.registry import registry
from tests.house.tree import ROOT

NAME = re.compile(r"\b(?:onecard|kafka)_[a-z_]+\b")
LABEL = re.compile(r"\$labels\.(\w+)")
PLACE = ("onecard.transit.33.events.v1", 2)


class Everything(Watch):
    """A watch that has seen one of each thing there is."""

    def __init__(self) -> None:
        followers = [Follower("relay", "1/1", "log", "33", 5, 2, True, 1_000_000)]
        account = Account(
            "33",
            {"33": 7},
            followers,
            {},
            {"33": None},
            [Waiting("audit", "33", *PLACE, 5, 7, 2, True, 1_000_000)],
            {PLACE: Ends(0, 5, 9)},
            [Hanging("onecard-relay-33", "Ongoing", 900, (PLACE,))],
            {"34": OfOneSource("34", BrokerProblem("not_allowed", "No."))},
        )
        self._seen = Seen(Look(11_000_000, {}, account, [("33", "audit", "record_missing")]), 0)

    def seen(self) -> Seen:
        return self._seen


@pytest.fixture(scope="module")
def metrics() -> dict[str, dict[str, str]]:
    """Name -> labels of one sample of every metric."""
    figures = Figures(Subjects(registry()), Everything(), ("database", "kafka"))
    return {sample.name: sample.labels for family in figures.collect() for sample in family.samples}


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / "ops" / "alerts.yaml").read_text("utf-8"))
    return [rule for group in found["groups"] for rule in group["rules"]]


def test_every_metric_that_an_alert_asks_for_exists(rules: list[dict[str, Any]], metrics: dict[str, Any]) -> None:
    asked = {name for rule in rules for name in NAME.findall(rule["expr"])}
    assert len(asked) >= 7
    assert asked - set(metrics) == set()


def test_every_label_that_an_alert_shows_is_one_of_its_metric(
    rules: list[dict[str, Any]], metrics: dict[str, dict[str, str]]
) -> None:
    for rule in rules:
        labels = {label for name in NAME.findall(rule["expr"]) for label in metrics[name]}
        shown = {label for text in rule["annotations"].values() for label in LABEL.findall(text)}
        assert shown <= labels, rule["alert"]


def test_every_alert_says_what_to_do_and_is_in_the_operators_page(rules: list[dict[str, Any]]) -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("## Alerts")[2]
    for rule in rules:
        assert rule["annotations"]["summary"] and rule["annotations"]["do"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert f"`{rule['alert']}`" in page


def test_every_metric_is_in_the_operators_page(metrics: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    assert {name for name in metrics if f"`{name}`" not in page} == set()


def test_the_figures_are_those_that_were_seen(metrics: dict[str, Any]) -> None:
    figures = Figures(Subjects(registry()), Everything(), ("database", "kafka"))
    found = {sample.name: int(sample.value) for family in figures.collect() for sample in family.samples}
    assert found["kafka_consumergroup_lag"] == found["kafka_consumergroup_lag_sum"] == 2
    assert found["onecard_follower_behind_seconds"] == found["onecard_consumergroup_lag_seconds"] == 10
    assert found["onecard_topic_partition_undecided_offsets"] == 4
    assert found["onecard_hanging_transaction_seconds"] == 900
