"""`make kafka-up` and `make kafka-down`: a broker that stays, with its data and its users, until it is told to stop."""

import shlex
import sys
from collections.abc import Iterable

from ops.kafka.broker import NAME, Broker
from ops.kafka.properties import ADMIN
from ops.problems import EnvironmentProblem
from ops.settings import DEFAULT_SOURCE, load_settings, make_home
from ops.sharing import bring_up, gate_held
from ops.topics.declared import load_declared
from projections.kafka.access import Access, BrokerProblem
from projections.kafka.cluster import Cluster


def tell(sentence: str) -> None:
    """What goes on, beside the settings on stdout."""
    print(sentence, file=sys.stderr, flush=True)


def up() -> None:
    """Bring the broker up, or find it running."""
    settings = load_settings()
    make_home(settings.home)
    broker = Broker(settings.home)
    bring_up(broker, settings.home, NAME, tell)
    declared = load_declared(settings)
    source = settings.source or DEFAULT_SOURCE
    users = [declared.writer(source), *declared.rights.readers]
    with Cluster(Access(broker.local)) as cluster:
        make_users(broker, cluster, [ADMIN, *users])
    tell(f"Kafka runs in process {broker.pid()}; its data and its log are in {broker.folder}.")
    tell("Users, each with its password in a file; what they may do is granted by `onecard topics apply`:")
    for user in (ADMIN, *users):
        tell(f"  {user:16} {broker.password_file(user)}")
    tell(f"Programs that are tried on this machine need no login at {broker.local}.")
    tell("This makes you its administrator in this shell; end it by `make kafka-down`.")
    print(f"export ONECARD_KAFKA_BOOTSTRAP={broker.clients}")
    print(f"export ONECARD_KAFKA_USER={ADMIN}")
    print(f"export ONECARD_KAFKA_PASSWORD_FILE={shlex.quote(str(broker.password_file(ADMIN)))}")


def make_users(broker: Broker, cluster: Cluster, users: Iterable[str]) -> None:
    """Make those whom the broker does not know; whom it knows keeps the password, unless its file was lost."""
    known = {user for user in cluster.users() if broker.password_file(user).exists()}
    for user in users:
        password = broker.make_password(user).read_text("ascii").strip()
        if user not in known:
            cluster.set_password(user, password)


def down() -> None:
    """Stop the broker; its data stays."""
    settings = load_settings()
    make_home(settings.home)
    with gate_held(settings.home, NAME, tell):
        broker = Broker(settings.home)
        if broker.pid() is None:
            tell(f"No Kafka broker of ours runs in {broker.folder}.")
        broker.stop(tell)


def main() -> int:
    """Exit code 0, 2 for another word than up and down, 3 when the surroundings do not allow it, 130 for Ctrl-C."""
    acts = {"up": up, "down": down}
    if sys.argv[1:] not in [[act] for act in acts]:
        tell("usage: python -m ops.kafka up|down")
        return 2
    try:
        acts[sys.argv[1]]()
    except (EnvironmentProblem, BrokerProblem) as problem:
        tell(f"onecard: {problem}")
        return 3
    except KeyboardInterrupt:
        tell("interrupted; the same command again goes on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
