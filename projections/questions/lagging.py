"""One account of who is behind, from the database and the brokers together: for `lag`, and for health and metrics.

The brokers are asked first and the database after them, so that nobody seems to have applied more than was published.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeVar

from projections.kafka.reader import Partition
from projections.questions import lag
from projections.questions.brokers import Brokers, Ends, Hanging, OfOneSource, known
from projections.questions.lag import Follower, Stand
from projections.questions.snapshot import Cursor
from projections.questions.topic_lag import MOST_READ, Waiting
from projections.relay.progress import Progress

T = TypeVar("T")
LOG: Final = "log"
TOPICS: Final = "topics"


class Ask(Protocol):
    """Puts a question to the database, in a snapshot of its own."""

    def __call__(self, question: Callable[[Cursor], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Account:
    """Where everybody stands. What the brokers tell is empty where there is no Kafka, or where it was not asked.

    `problems`: sources of which the brokers cannot tell; their views are taken to be behind what they know themselves.
    """

    own: str
    heads: dict[str, int]
    followers: list[Follower]
    stood: dict[str, list[Stand]]
    published: dict[str, Progress | None] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    ends: dict[Partition, Ends] = field(default_factory=dict)
    hanging: list[Hanging] = field(default_factory=list)
    problems: dict[str, OfOneSource] = field(default_factory=dict)


def of_database(cursor: Cursor, wanted: Sequence[str] | None = None, feed: str = LOG) -> Account:
    """What the database alone tells: all there is of views that follow the log. `wanted` None: every source here."""
    own, every = lag.followed_here(cursor)
    return _stood(cursor, own, every if wanted is None else wanted, {}, feed, 0)


def of_topics(
    ask: Ask, brokers: Brokers, wanted: Sequence[str] | None, in_partitions: bool, most_read: int = MOST_READ
) -> Account:
    """Of views that follow topics. `in_partitions`: also what waits in each partition, and where partitions end."""
    own, every = ask(lag.followed_here)
    asked = every if wanted is None else wanted
    published, problems = known(brokers, asked)
    account = ask(lambda cursor: _stood(cursor, own, asked, published, TOPICS, brokers.topology.partitions))
    hanging = brokers.hanging()
    if not in_partitions:
        return replace(account, hanging=hanging, problems=problems)
    waiting: list[Waiting] = []
    ends: dict[Partition, Ends] = {}
    for source, progress in published.items():
        if progress is None:
            continue
        try:
            waiting += brokers.waiting(progress, account.stood[source], most_read)
            ends |= brokers.ends(source)
        except OfOneSource as problem:
            problems[source] = problem
    followers = [_with_age(one, own, waiting) for one in account.followers]
    return replace(account, followers=followers, waiting=waiting, ends=ends, hanging=hanging, problems=problems)


def _stood(
    cursor: Cursor,
    own: str,
    wanted: Sequence[str],
    published: dict[str, Progress | None],
    feed: str,
    partitions: int,
) -> Account:
    positions = {source: one.position if one else 0 for source, one in published.items()}
    stood = {source: lag.stands(cursor, source, partitions) for source in wanted}
    heads = {source: lag.head_of(cursor, source, stood[source], positions) for source in wanted}
    found = [one for source in wanted for one in lag.followers(cursor, stood[source], heads[source], feed)]
    if own in published:
        found.append(lag.relay(cursor, own, positions[own]))
    found.sort(key=lambda one: (one.name, one.source, *map(int, one.share.split("/"))))
    return Account(own, heads, found, stood, published)


def _with_age(follower: Follower, own: str, waiting: Sequence[Waiting]) -> Follower:
    """A view of a source whose log is elsewhere learns the age of its next event from the topics."""
    if follower.source == own:
        return follower
    ages = [
        one.waiting_since
        for one in waiting
        if (one.name, one.source) == (follower.name, follower.source) and one.waiting_since is not None
    ]
    return replace(follower, waiting_since=min(ages, default=None))
