"""The program's version, as it is installed: who reports a fault is asked for it first."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

NAME: Final = "onecard-ledger"


def told_version() -> str:
    """`onecard-ledger 0.1.0`."""
    try:
        return f"{NAME} {version(NAME)}"
    except PackageNotFoundError:
        return f"{NAME}, not installed"
