"""The files a command line names: whatever can be known to be wrong with them before the first line is decided."""

import codecs
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from io import UnsupportedOperation
from typing import Final, TextIO

from ledger.store.containers import Damaged, open_commands
from ops.cli.output import refuse

# How a file begins, and whereof, that must be unpacked before it can be read.
PACKED: Final = {
    (0, b"\x1f\x8b"): "gzip",
    (0, b"\x28\xb5\x2f\xfd"): "zstd",
    (0, b"\xfd7zXZ\x00"): "xz",
    (0, b"BZh"): "bzip2",
    (0, b"PK\x03\x04"): "zip",
    (0, b"7z\xbc\xaf\x27\x1c"): "7z",
    (257, b"ustar\x00"): "a tar archive",
    (257, b"ustar  \x00"): "a tar archive",
}
# In UTF-16 and UTF-32 the first character has a mark before it, or zeros beside it.
OTHER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
ZEROS_BESIDE: Final = ([1, 3], [0, 2], [1, 2, 3], [0, 1, 2])
BEGINNING: Final = 1 << 16
STANDARD: Final = "-"  # stdin of inputs, stdout of outputs


def check_input(name: str) -> bytes:
    """How a file begins that can be read, read again, and as text; others are refused with what to do about it."""
    if not name:
        refuse("A file's name is empty: is a variable not set?")
    try:
        if name == STANDARD or not _is_readable_again(name):
            refuse(
                f"{shown(name)} is a pipe or a device, and what is read here must be there to be read again:"
                " save it to a file first, and name that file."
            )
        with open(name, "rb") as file:
            beginning = file.read(BEGINNING)
    except OSError as error:
        refuse(f"{shown(name)} cannot be read: {error.strerror}.")
    for (at, magic), packing in PACKED.items():
        if beginning.startswith(magic, at):
            refuse(f"{shown(name)} is {packing}: unpack it first.")
    zeros = [place for place, byte in enumerate(beginning[:4]) if not byte]
    if beginning.startswith(OTHER_MARKS) or zeros in ZEROS_BESIDE:
        refuse(f"{shown(name)} is not UTF-8 from line 1 on, but UTF-16, UTF-32 or no text: save it as UTF-8.")
    return beginning


def _is_readable_again(name: str) -> bool:
    """As regular files are, and the null device, which is empty every time."""
    found = os.stat(name)
    if stat.S_ISDIR(found.st_mode):
        refuse(f"{shown(name)} is a directory: name the files in it.")
    return stat.S_ISREG(found.st_mode) or _is_nowhere(found)


def check_commands(names: Sequence[str]) -> None:
    """Each can be read, and holds commands one a line or an Avro container of them."""
    for name in names:
        beginning = check_input(name)
        try:
            with closing(open_commands(name)):
                pass
        except OSError as error:
            refuse(f"{shown(name)} cannot be read: {error.strerror}.")
        except Damaged as damaged:
            refuse(f"{damaged}.")
        if (mended := _mended_by(beginning)) is not None:
            refuse(
                f"{shown(name)} is JSON over many lines, and every command must be an object on one line:"
                f" `{mended}` writes it so."
            )


def _mended_by(beginning: bytes) -> str | None:
    """What makes lines of a list of commands, or of commands that are each written over many lines.

    Only where the second line is no command either: after one that is, a broken first line is a reject like any other.
    """
    lines = beginning.removeprefix(codecs.BOM_UTF8).split(b"\n")
    first, second, *_ = *filter(None, map(bytes.strip, lines)), b"", b""
    is_list = first == b"[" and (second == b"{" or (second.startswith(b"{") and second.endswith(b",")))
    if is_list or (first.startswith(b"[{") and first.endswith(b",")):
        return "jq -c '.[]'"
    return "jq -c ." if first == b"{" and second.startswith(b'"') else None


def check_outputs(files: Sequence[str], outputs: Sequence[str]) -> None:
    """No output is an input or another output."""
    for number, name in enumerate(outputs):
        if any(_same_file(name, other) for other in [*files, *outputs[:number]]) and stream_named(name) is None:
            refuse(f"{shown(name)} is named twice, and writing it would destroy what is in it.")
    for name in files:
        if (stream := stream_named(name)) is not None:
            refuse(f"{shown(name)} is what {stream.name.strip('<>')} goes to: send that to another file.")


def stream_named(path: str) -> TextIO | None:
    """stdout or stderr where that is what a name leads to: opened again, each would write over what the other wrote."""
    if path == STANDARD:
        return sys.stdout
    for stream in (sys.stderr, sys.stdout):
        with suppress(OSError, UnsupportedOperation):
            found = os.stat(path)
            if os.path.samestat(found, os.fstat(stream.fileno())) and not _is_nowhere(found):
                return stream
    return None


def unless_stdout(path: str | None) -> str | None:
    """A file to write to; none where that is stdout, by whatever name."""
    return None if path is not None and stream_named(path) is sys.stdout else path


def _is_nowhere(found: os.stat_result) -> bool:
    return os.path.samestat(found, os.stat(os.devnull))


def shown(path: str) -> str:
    """A file's name as text, also where it is not UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _same_file(one: str, other: str) -> bool:
    """Whether both are one file that keeps what is written; a device, as /dev/null is one, can be named twice."""
    try:
        return os.path.samefile(one, other) and stat.S_ISREG(os.stat(one).st_mode)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)
