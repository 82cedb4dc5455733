"""Where `onecard` begins: before anything else is imported, which takes long enough to press Ctrl-C in."""

import sys

INTERRUPTED = 130


def main() -> int:
    """Run one command; its exit code."""
    try:
        from ops.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("onecard: interrupted.\n")
        return INTERRUPTED
