"""Writes what follows from the schema files: types.py, CATALOGUE.md, asyncapi.yaml and new lines of registry.lock.

`python -m schemas.generate` writes, `--check` only compares and exits 1 when anything is stale.

To change a registered event: copy `<family>/<Event>.avsc` to `history/<family>/<Event>.v<version>.avsc`, edit the
former, register an upcaster, run this. A registered version is never changed. Only until the first tagged release may
the lock be made anew for edited schemas, ids kept: `--remake`.
"""

import argparse
import difflib
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from schemas import asyncapi, catalogue, python_types
from schemas.files import ROOT, SchemaFile, current_files, history_files
from schemas.registry import LOCK, LockLine, latest_versions, new_line, read_lock

# What the document of topics says besides events; read as data, since nothing here may know the program that uses it.
TOPICS = ROOT.parent / "ops" / "topics.toml"


class Refused(Exception):
    """The lock would have to change where it may only grow."""


def extended_lock(lines: Sequence[LockLine], files: Sequence[SchemaFile], root: Path = ROOT) -> list[LockLine]:
    """The lock with a line for every version not registered yet; refuses to change what a line says."""
    result = list(lines)
    latest = latest_versions(lines)
    superseded = history_files(root)
    registered = {(line.subject, line.version): line for line in lines}
    for file in files:
        version = latest.get(file.subject, 0)
        if not version and (old := [number for event, number in superseded if event == file.event]):
            # A lock made from nothing: history first, then what is current.
            for number in sorted(old):
                old_file = superseded[file.event, number]
                result.append(new_line(len(result) + 1, file.subject, number, old_file.definition))
            version = max(old)
        elif version:
            line = registered[file.subject, version]
            if line.sha256 == file.sha256:
                continue
            kept = superseded.get((file.event, version))
            if kept is None or kept.sha256 != line.sha256:
                raise Refused(
                    f"{file.subject} differs from its registered version {version} (id {line.id}); "
                    f"a registered version is kept as history/{file.family}/{file.event}.v{version}.avsc first"
                )
        result.append(new_line(len(result) + 1, file.subject, version + 1, file.definition))
    for line in lines:
        if line.subject not in {file.subject for file in files}:
            raise Refused(f"{line.subject} is registered (id {line.id}) but its file is gone")
    return result


def remade_lock(lines: Sequence[LockLine], files: Sequence[SchemaFile]) -> list[LockLine]:
    """The lock with the latest version of every subject restated from its file; ids stay."""
    latest = latest_versions(lines)
    current = {file.subject: file for file in files}
    return [
        new_line(line.id, line.subject, line.version, current[line.subject].definition)
        if line.subject in current and latest[line.subject] == line.version
        else line
        for line in lines
    ]


def outputs(root: Path = ROOT, *, remake: bool = False) -> dict[Path, str]:
    """Every derived file and the text it should have."""
    files = current_files(root)
    lines = read_lock(root)
    lock = extended_lock(remade_lock(lines, files) if remake else lines, files, root)
    return {
        root / LOCK: "".join(line.text() + "\n" for line in lock),
        root / "types.py": python_types.render(files),
        root / "CATALOGUE.md": catalogue.render(files),
        root / "asyncapi.yaml": asyncapi.render(files, lock, tomllib.loads(TOPICS.read_text(encoding="utf-8"))),
    }


def stale(root: Path = ROOT) -> list[str]:
    """What `--check` has to say: one line per derived file that is not what the schemas make of it."""
    try:
        expected = outputs(root)
    except Refused as refusal:
        return [str(refusal)]
    findings = []
    for path, text in expected.items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != text:
            changes = list(difflib.unified_diff(present.splitlines(), text.splitlines(), lineterm="", n=0))
            counted = [line for line in changes if not line.startswith(("---", "+++", "@@"))]
            first = counted[0] if counted else "line ends"
            findings.append(f"{path.name} is stale: {len(counted)} lines differ, first: {first}")
    return findings


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description="derive files from the schemas")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when anything is stale")
    parser.add_argument("--remake", action="store_true", help="restate registered versions (before the first release)")
    options = parser.parse_args(arguments)
    if options.check:
        findings = stale(root)
        sys.stdout.writelines(f"{finding}\n" for finding in findings)
        return 1 if findings else 0
    try:
        expected = outputs(root, remake=options.remake)
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    for path, text in expected.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
