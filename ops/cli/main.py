"""Entry point of the `onecard` command. The commands themselves are not written yet, and it says so."""

import sys


def main() -> int:
    """Say what is missing; exit 3 because nothing the user does can make it work."""
    sys.stderr.write("onecard: this checkout has no commands yet.\n")
    return 3
