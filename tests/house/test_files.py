"""Files a reader meets: short, opened by a sentence of why, used by somebody, and free of what is only ours."""

import re

from tests.house.tree import ROOT, Module, modules, product, text_files, within

MOST_LINES = 400
LONGEST_LINE = 120
MEASURED = (".py", ".toml", ".sql", ".sh")
NO_NOUNS = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}

# Started from outside: by the command line, by make or by an operator.
ENTRY_POINTS = {"ops/cli/entry.py", "schemas/generate.py"}

# Written apart so that this file does not offend itself.
HOSTS = re.compile(r"https?://[A-Za-z0-9.-]*(pypi|pythonhosted|maven|npmjs|crates|golang)[A-Za-z0-9.-]*")
OUR_PLACES = re.compile("|".join(["/wo" + "rk/", "/tmp/ba" + "sh_jobs", "/tmp/fa" + "rm"]))
UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X|NotImplemented(Error)?|placeholder)\b")


def everything() -> list[Module]:
    return [*product(), *modules("tests")]


def unused(shipped: list[Module], entry_points: set[str]) -> list[str]:
    """Modules that no other shipped module imports. Generated ones are for readers too; a package is its contents."""
    imported = {name for module in shipped for _, name in module.imports() if name != module.name}
    return [
        module.path
        for module in shipped
        if module.path not in entry_points
        and not module.generated
        and not module.path.endswith(("__init__.py", "__main__.py"))
        and module.name not in imported
    ]


def test_no_file_passes_400_lines() -> None:
    long = {module.path: module.text.count("\n") for module in everything() if not module.generated}
    assert {path: lines for path, lines in long.items() if lines > MOST_LINES} == {}


def test_no_line_passes_120_characters() -> None:
    offences = [
        f"{path}:{number}"
        for path, text in text_files()
        if path.endswith(MEASURED)
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > LONGEST_LINE
    ]
    assert offences == []


def test_every_module_opens_with_its_reason() -> None:
    missing = []
    for module in product():
        first = module.tree.body[0] if module.tree.body else None
        opening = getattr(getattr(first, "value", None), "value", None)
        if not isinstance(opening, str):
            missing.append(module.path)
    assert missing == []


def test_no_file_is_named_after_nothing() -> None:
    named = [m.path for m in everything() if NO_NOUNS & set(re.split(r"[./_]", m.path.removesuffix(".py")))]
    assert named == []


def test_no_file_is_there_for_nobody() -> None:
    assert unused(product(), ENTRY_POINTS) == []


def test_entry_points_exist() -> None:
    assert [path for path in sorted(ENTRY_POINTS) if not (ROOT / path).exists()] == []


def test_no_place_of_ours_and_no_host_is_named() -> None:
    found = [
        f"{path}: {hit.group()}"
        for path, text in text_files()
        for pattern in (HOSTS, OUR_PLACES)
        for hit in pattern.finditer(text)
    ]
    assert found == []


def test_nothing_shipped_is_unfinished() -> None:
    found = [f"{module.path}: {hit.group()}" for module in product() for hit in UNFINISHED.finditer(module.text)]
    assert found == []


def test_the_rules_see_a_planted_offence() -> None:
    lonely = Module("ops/lonely.py", "import ops.settings")
    assert unused([lonely, Module("ops/settings.py", "")], set()) == ["ops/lonely.py"]
    assert HOSTS.search("https://files." + "pythonhosted.org/x")
    assert OUR_PLACES.search("see /wo" + "rk/main")
    assert UNFINISHED.search("# TO" + "DO: later")
    assert within("ops.settings", "ops") and not within("opsy", "ops")
