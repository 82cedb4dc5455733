"""What monitoring sees: names that people already alert on where there are any (kafka_*), and our own (onecard_*).

Rendered from the last look, so a scrape costs nothing but the text. Views follow topics without a consumer group of
Kafka's; `consumergroup` is `onecard-<view>`, which is how tools that know groups find them.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ledger.core.calendar import SECOND
from ops.api.look import Look
from ops.api.subjects import Subjects
from ops.api.watch import Watch

FOLLOWER = ("source", "follower", "share", "feed")


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
        yield GaugeMetricFamily(
            "onecard_last_look_timestamp_seconds", "When the figures here were looked up", look.at // SECOND
        )
        up = GaugeMetricFamily("onecard_up", "Whether a part answered at the last look", labels=["part"])
        for part in self._parts:
            up.add_metric([part], int(part not in look.problems))
        yield up
        if "database" not in look.problems:
            yield from _of_the_store(look)


def _of_the_store(look: Look) -> Iterator[Metric]:
    head = GaugeMetricFamily("onecard_head_position", "Position of the log's last event", labels=["source"])
    head.add_metric([look.source or ""], look.head)
    yield head
    position = _by_follower("onecard_follower_position", "Position up to which a follower has applied the log")
    events = _by_follower("onecard_follower_behind_events", "Events a follower has still to apply")
    seconds = _by_follower("onecard_follower_behind_seconds", "Age of the oldest event a follower has not applied")
    running = _by_follower("onecard_follower_running", "Whether somebody drives a follower now")
    for one in look.followers:
        labels = (one.source, one.name, one.share, one.feed)
        position.add_metric(labels, one.position)
        events.add_metric(labels, one.behind)
        seconds.add_metric(labels, one.seconds_behind(look.at))
        running.add_metric(labels, int(one.running))
    yield from (position, events, seconds, running)


def _by_follower(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, labels=FOLLOWER)


def add_metrics(app: FastAPI, subjects: Subjects, watch: Watch | None, parts: tuple[str, ...]) -> None:
    """`/metrics`, in the text format that the scraper prefers."""
    registry = CollectorRegistry()
    registry.register(Figures(subjects, watch, parts))
    ProcessCollector(registry=registry)

    @app.get("/metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        encoded: Any = encode(registry)
        return Response(encoded, media_type=content_type)
