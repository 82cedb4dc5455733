"""Figures of the reading side: following, rebuilding, replaying one card, verifying."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Final

from ledger.core.world import Unasked, World
from ledger.families.card.holder import Card
from ledger.service.recording import apply
from ledger.store import codec
from ledger.store.recorder import History
from ops.bench import raw
from ops.bench.figures import Figures, elapsed, micros, rate
from ops.bench.rig import SEED, Rig, is_json
from ops.cli.opening import READER_ROLE
from ops.simulate import simulate
from projections import rebuild as rebuilding
from projections.feed.log import LogFeed
from projections.feed.port import Record
from projections.follow import catch_up, positions, prepare
from projections.loading.crew import Crew
from projections.verification import store
from projections.views.port import View
from projections.views.registry import BOOKS, VIEWS

LIVES: Final = 400
PASSES: Final = (("three_views", BOOKS), *((view.name, (view,)) for view in BOOKS), ("all_views", VIEWS))
LIMITS: Final = {"balances": "raw_avro_decode", "audit": "raw_copy", "clearing": "raw_avro_decode"}


class Stretch(LogFeed):
    """The log up to a position, as if nothing more had been recorded yet."""

    last = 0

    def read(self, after: int, limit: int, since: int = 0) -> Sequence[Record]:
        return super().read(after, min(limit, self.last - after)) if after < self.last else []


def follow(rig: Rig, figures: Figures) -> None:
    """The books in one pass, then each alone, then every view there is, over stretches of the day that follow."""
    chunk, chunks = rig.scale.chunk, rig.scale.chunks
    rig.grow(3 * chunk * chunks)
    with rig.ledger.connect() as connection:
        with closing(Stretch(rig.ledger.source, rig.ledger.connect)) as feed:
            prepare(connection, VIEWS, feed.source)

            def go_to(views: Sequence[View], position: int) -> int:
                feed.last = position
                return elapsed(lambda: list(catch_up(connection, views, feed)))

            go_to(VIEWS, rig.first)
            for name, views in PASSES:
                values = []
                begun = max(positions(connection, views, feed.source).values())
                go_to(views, begun)
                for run in range(chunks):
                    took = go_to(views, begun + chunk * (run + 1))
                    if run:
                        values.append(rate(chunk, took))
                figures.add(f"follow_{name}", "events/s", values, LIMITS.get(name, "raw_avro_decode"))


def rebuild(rig: Rig, figures: Figures) -> None:
    """The books filled anew with one reading of the log, each alone, and all views; compared, and swapped."""
    crew = Crew.of_machine(rig.ledger.dsn)
    with rig.ledger.connect() as connection, closing(LogFeed(rig.ledger.source, rig.ledger.connect)) as feed:
        prepare(connection, VIEWS, feed.source)
        list(catch_up(connection, VIEWS, feed))
        count = feed.head()

        def once(views: Sequence[View]) -> None:
            *_, results = rebuilding.rebuild_together(connection, views, feed, crew=crew)
            for result in results:
                if not result.swapped:
                    raise RuntimeError(f"the rebuilt view {result.view} differs from the live one")

        for name, views in PASSES:
            values = [rate(count, elapsed(lambda: once(views))) for _ in range(rig.scale.passes)]  # noqa: B023
            figures.add(f"rebuild_{name}", "events/s", values, LIMITS.get(name, "raw_avro_decode"))


def replay(rig: Rig, figures: Figures) -> None:
    """One card with a long life: its bytes decoded, its chain checked, its row made again event by event."""
    before = rig.head()
    rig.submit(rig.file(_long_life(rig.scale.replayed)))
    with rig.ledger.connect() as connection:
        history = History(connection)
        card_id = str(history.page(before, 1)[0].originator_id)
        stored = [(one.originator_version, one.state) for one in history.stream(card_id)]
    packed = raw.bodies(data for _, data in stored)
    values, decoding = [], []
    for _ in range(rig.scale.runs):
        values.append(micros(elapsed(lambda: _evolved(rig, card_id, stored))))
        decoding.append(micros(elapsed(lambda: raw.decoded(packed))))
    figures.add("raw_avro_one_card", "us", decoding)
    figures.add("replay_one_card", "us", values, "raw_avro_one_card")


def _long_life(length: int) -> list[bytes]:
    """A card that nobody else knows, and so many contributions to it."""
    lines = [json.loads(line) for line in simulate(LIVES, SEED + 1, mix="settlements") if is_json(line)]
    contribution = next(line for line in lines if line["command"] == "ContributeAccount")
    card_sn = contribution["card_sn"]
    made = [line for line in lines if line["command"] == "IssueCard" and line["card_sn"] == card_sn]
    made += [{**contribution, "reference": f"BENCH-{n}"} for n in range(length)]
    return [json.dumps(one).encode() + b"\n" for one in made]


def _evolved(rig: Rig, card_id: str, stored: Iterable[tuple[int, bytes]]) -> Card:
    world = World(Unasked(), rig.ledger.config, rig.ledger.keyring, 0, 0)
    before = "0" * 64
    for version, data in stored:
        name, event = codec.decode(data)
        if event["card_version"] != version or event["prev_digest"] != before:
            raise RuntimeError(f"the chain of card {card_id} is broken at version {version}")
        before = hashlib.sha256(data).hexdigest()
        apply(world, name, event, version, before)
    card = world.get(Card, card_id)
    assert card is not None
    return card


def verify(rig: Rig, figures: Figures) -> None:
    """The store alone: everything that the log determines made again and compared."""
    ledger = rig.ledger
    count = rig.head()

    def once() -> None:
        with closing(ledger.connect(READER_ROLE)) as connection:
            report = store.check(connection, ledger.config, ledger.keyring, lambda position: None)
        if report.findings:
            raise RuntimeError(f"verify found {report.findings[0]}")

    values = [rate(count, elapsed(once)) for _ in range(rig.scale.passes)]
    figures.add("verify", "events/s", values, "raw_avro_decode")
