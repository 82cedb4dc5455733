"""What is generated is committed, fresh, and never changes what was registered."""

import json
import shutil
from pathlib import Path

import pytest

from schemas import generate, types
from schemas.files import ENVELOPE, ROOT, current_files, current_path
from schemas.generate import Refused
from schemas.registry import LOCK, load, read_lock, registry


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "schemas", ignore=shutil.ignore_patterns("__pycache__")))


def test_everything_generated_is_fresh() -> None:
    assert generate.stale() == []


def test_check_exits_1_with_a_summary_when_something_is_stale(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "CATALOGUE.md").write_text("old\n", encoding="utf-8")
    assert generate.main(["--check"], tree) == 1
    assert "CATALOGUE.md is stale" in capsys.readouterr().out
    assert generate.main([], tree) == 0
    assert generate.main(["--check"], tree) == 0


def test_a_registered_version_is_not_registered_again_with_another_meaning(tree: Path) -> None:
    path = current_path(tree, "card", "CardLocked")
    definition = json.loads(path.read_text(encoding="utf-8"))
    definition["fields"].pop()
    path.write_text(json.dumps(definition), encoding="utf-8")
    with pytest.raises(Refused, match="CardLocked differs from its registered version 1"):
        generate.outputs(tree)
    remade = generate.outputs(tree, remake=True)[tree / LOCK]
    assert [json.loads(line)["id"] for line in remade.splitlines()] == [line.id for line in read_lock(tree)]


def test_a_registered_event_cannot_disappear(tree: Path) -> None:
    current_path(tree, "card", "CardLocked").unlink()
    with pytest.raises(Refused, match="CardLocked is registered"):
        generate.outputs(tree)


def test_a_new_event_gets_the_next_id(tree: Path) -> None:
    path = current_path(tree, "card", "CardLocked")
    definition = json.loads(path.read_text(encoding="utf-8")) | {"name": "CardFramed"}
    current_path(tree, "card", "CardFramed").write_text(json.dumps(definition), encoding="utf-8")
    before = read_lock(tree)
    (tree / LOCK).write_text(generate.outputs(tree)[tree / LOCK], encoding="utf-8")
    after = read_lock(tree)
    assert after[: len(before)] == before
    assert [(line.id, line.event, line.version) for line in after[len(before) :]] == [
        (len(before) + 1, "CardFramed", 1)
    ]


def test_a_file_must_hold_the_event_it_is_named_after(tree: Path) -> None:
    shutil.copy(current_path(tree, "card", "CardLocked"), current_path(tree, "card", "CardSealed"))
    with pytest.raises(ValueError, match="must agree"):
        generate.outputs(tree)


def test_every_event_begins_with_the_envelope() -> None:
    for file in current_files():
        names = [field["name"] for field in file.fields]
        assert names[0] == ("card_id" if file.event in types.CARD_EVENTS else "stream_id")
        assert tuple(names[1:8]) == ENVELOPE
        assert names[8:12] == ["channel", "scheme", "scheme_item", "business_date"]


def test_the_types_name_every_event_with_its_family_and_fields() -> None:
    assert types.EVENTS == {file.event: file.family for file in current_files()}
    for file in current_files():
        typed = getattr(types, file.event)
        assert set(typed.__annotations__) == {field["name"] for field in file.fields}


def test_every_amount_is_in_fen() -> None:
    for file in current_files():
        for field in file.fields:
            if field["name"].endswith("_fen") or field["name"] in ("funds", "wallet_cleared"):
                assert field.get("unit") == "fen", (file.event, field["name"])


def test_the_registry_knows_versions_by_id_and_events_by_name() -> None:
    assert load(ROOT).events() == registry().events()
    latest = registry().latest("CardIssued")
    assert latest.line.version == 2
    assert registry().by_id(latest.id) is latest
    assert registry().by_id(0) is None
    assert [one.line.version for one in registry().of_event("CardIssued")] == [1, 2]
    with pytest.raises(KeyError):
        registry().latest("CardSold")
