"""`make kafka-up` and `make kafka-down`: a broker that stays, with its data and its users, until it is told to stop."""

import sys

from ops.kafka.broker import NAME, Broker
from ops.problems import EnvironmentProblem
from ops.settings import load_settings, make_home
from ops.sharing import bring_up, gate_held


def tell(sentence: str) -> None:
    """What goes on, beside the settings on stdout."""
    print(sentence, file=sys.stderr, flush=True)


def up() -> None:
    """Bring the broker up, or find it running."""
    settings = load_settings()
    make_home(settings.home)
    broker = Broker(settings.home)
    bring_up(broker, settings.home, NAME, tell)
    print(f"export ONECARD_KAFKA_BOOTSTRAP={broker.clients}")


def down() -> None:
    """Stop the broker; its data stays."""
    settings = load_settings()
    make_home(settings.home)
    with gate_held(settings.home, NAME, tell):
        Broker(settings.home).stop(tell)


def main() -> int:
    """Exit code 0, 2 for another word than up and down, 3 when the surroundings do not allow it."""
    acts = {"up": up, "down": down}
    if sys.argv[1:] not in [[act] for act in acts]:
        tell("usage: python -m ops.kafka up|down")
        return 2
    try:
        acts[sys.argv[1]]()
    except EnvironmentProblem as problem:
        tell(f"onecard: {problem}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
