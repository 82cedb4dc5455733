"""A process that submits what it is told, as fast as it is told: `python -m tests.service.racer DSN`.

Reads a JSON list of lines from each line of input; answers their outcomes and how long they took in microseconds.
"""

import json
import sys
import time

from ledger.service.run import shaped
from tests.fix_stores import Store, told


def main(dsn: str) -> None:
    store = Store(dsn)
    keyring = store.keyring()
    with store.writer() as writer:
        print("ready", flush=True)
        for asked in sys.stdin:
            lines = [shaped(line.encode(), n, keyring)[1] for n, line in enumerate(json.loads(asked))]
            begun = time.monotonic_ns()
            outcomes = told(writer.submit(lines))
            print(json.dumps([outcomes, (time.monotonic_ns() - begun) // 1_000]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
