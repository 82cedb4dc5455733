"""What monitoring sees: names that people already alert on where there are any (kafka_*), and our own (onecard_*).

Rendered from the last look, so a scrape costs nothing but the text. Views follow topics without a consumer group of
Kafka's; `consumergroup` is `onecard-<view>`, which is how tools that know groups find them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ledger.core.calendar import SECOND
from ops.api.look import KAFKA, Look
from ops.api.subjects import Subjects
from ops.api.watch import Watch
from projections.questions.lagging import Account
from projections.questions.topic_lag import summed

PARTITION = ("topic", "partition")
GROUP = ("consumergroup", "topic")
FOLLOWER = ("source", "follower", "share", "feed")
UNDECIDED = "Offsets behind a transaction that has not ended: no reader of committed records sees them"


class Figures(Collector):
    """Makes every series from the last look when somebody scrapes."""

    def __init__(self, subjects: Subjects, watch: Watch | None, parts: tuple[str, ...]) -> None:
        self._subjects = subjects
        self._watch = watch
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("onecard_registry_schemas", "Versions of schemas served", self._subjects.count)
        seen = self._watch.seen() if self._watch else None
        if seen is None or seen.look is None:
            return
        look = seen.look
        at = look.at // SECOND
        yield GaugeMetricFamily("onecard_last_look_timestamp_seconds", "When the figures here were looked up", at)
        up = [((part,), int(part not in look.problems)) for part in self._parts]
        yield _gauge("onecard_up", "Whether a part answered at the last look", ("part",), up)
        if look.account is not None:
            yield from _of_followers(look, look.account)
            if KAFKA in self._parts and KAFKA not in look.problems:
                yield from _of_topics(look, look.account)


Sample = tuple[tuple[object, ...], int]


def _gauge(name: str, told: str, labels: Sequence[str], samples: Sequence[Sample]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric([str(one) for one in values], value)
    return family


def _of_followers(look: Look, account: Account) -> Iterator[Metric]:
    heads = [((source,), head) for source, head in account.heads.items()]
    yield _gauge("onecard_head_position", "Position of the last event of a source", ("source",), heads)
    for name, told, value in (
        ("position", "Position up to which a follower has applied a source", lambda one: one.position),
        ("behind_events", "Events a follower has still to apply", lambda one: one.behind),
        ("behind_seconds", "Age of the oldest event not applied", lambda one: one.seconds_behind(look.at)),
        ("running", "Whether somebody drives a follower now", lambda one: int(one.running)),
    ):
        samples = [((one.source, one.name, one.share, one.feed), value(one)) for one in account.followers]
        yield _gauge(f"onecard_follower_{name}", told, FOLLOWER, samples)
    incidents = [(incident, 1) for incident in look.open_incidents]
    told = "A view that has stopped at a source, and why"
    yield _gauge("onecard_open_incidents", told, ("source", "view", "kind"), incidents)


def _of_topics(look: Look, account: Account) -> Iterator[Metric]:
    published = [((source,), one.position if one else 0) for source, one in account.published.items()]
    yield _gauge("onecard_relay_position", "Position up to which a source is on its topics", ("source",), published)
    spoilt = [((source, problem.code), 1) for source, problem in account.problems.items()]
    told = "A source of which the brokers do not tell everything, and why"
    yield _gauge("onecard_source_problems", told, ("source", "code"), spoilt)
    hanging = [((one.transactional_id,), one.age_seconds) for one in account.hanging]
    yield _gauge("onecard_hanging_transactions", "Transactions that should have ended", (), [((), len(hanging))])
    told = "Age of a transaction that should have ended"
    yield _gauge("onecard_hanging_transaction_seconds", told, ("transactional_id",), hanging)
    for name, told, value in (
        ("kafka_topic_partition_current_offset", "Where a partition ends", lambda one: one.high),
        ("kafka_topic_partition_oldest_offset", "Where a partition begins", lambda one: one.beginning),
        ("onecard_topic_partition_undecided_offsets", UNDECIDED, lambda one: one.high - one.stable),
    ):
        yield _gauge(name, told, PARTITION, [(place, value(one)) for place, one in account.ends.items()])
    waits = [((_group(one.name), one.topic, one.partition), one) for one in account.waiting]
    by_partition = (*GROUP, "partition")
    lags = [(labels, one.behind) for labels, one in waits]
    yield _gauge("kafka_consumergroup_lag", "Records of a partition still to be applied", by_partition, lags)
    sums = [((_group(name), topic), behind) for (name, topic), behind in summed(account.waiting).items()]
    yield _gauge("kafka_consumergroup_lag_sum", "Records of a topic still to be applied", GROUP, sums)
    ages = [(labels, one.seconds_behind(look.at)) for labels, one in waits]
    yield _gauge("onecard_consumergroup_lag_seconds", "Age of the oldest of those records", by_partition, ages)


def _group(view: str) -> str:
    return f"onecard-{view}"


def add_metrics(app: FastAPI, subjects: Subjects, watch: Watch | None, parts: tuple[str, ...]) -> None:
    """`/metrics`, in the text format that the scraper prefers."""
    registry = CollectorRegistry()
    registry.register(Figures(subjects, watch, parts))
    ProcessCollector(registry=registry)

    # Not a coroutine: with many sources the text takes its time, and others are to be answered meanwhile.
    @app.get("/metrics", response_class=Response)
    def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        encoded: Any = encode(registry)
        return Response(encoded, media_type=content_type)
