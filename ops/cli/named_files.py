"""The files a command line names: whatever can be known to be wrong with them before the first line is decided."""

import os
import stat
from collections.abc import Sequence
from typing import Final

from ledger.store.containers import Damaged, open_commands
from ops.cli.output import refuse

# How a file begins whose lines must be unpacked before they can be read.
PACKED: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
}
LONGEST_BEGINNING: Final = max(map(len, PACKED))


def check_files(files: Sequence[str], outputs: Sequence[str]) -> None:
    """Inputs can be read, and again after a kill; no output is an input or another output."""
    for name in files:
        try:
            mode = stat.S_IFIFO if name == "-" else os.stat(name).st_mode
            if stat.S_ISDIR(mode):
                refuse(f"{shown(name)} is a directory: name the files in it.")
            if not stat.S_ISREG(mode):
                refuse(
                    f"{shown(name)} cannot be read twice, and after a kill a run must be able to read its input again:"
                    " save it to a file first, and name that file."
                )
            open_commands(name).close()
            with open(name, "rb") as file:
                beginning = file.read(LONGEST_BEGINNING)
        except OSError as error:
            refuse(f"{shown(name)} cannot be read: {error.strerror}.")
        except Damaged as damaged:
            refuse(f"{damaged}.")
        for magic, packing in PACKED.items():
            if beginning.startswith(magic):
                refuse(f"{shown(name)} is {packing}: unpack it first.")
    for number, name in enumerate(outputs):
        if any(_same_file(name, other) for other in [*files, *outputs[:number]]):
            refuse(f"{shown(name)} is named twice, and writing it would destroy what is in it.")


def shown(path: str) -> str:
    """A file's name as text, also where it is not UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _same_file(one: str, other: str) -> bool:
    """Whether both are one file that keeps what is written; a device, as /dev/null is one, can be named twice."""
    try:
        return os.path.samefile(one, other) and stat.S_ISREG(os.stat(one).st_mode)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
