"""A change that would break a reader we do not know is found before it is published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.compatibility import check
from schemas.files import ROOT, current_files, current_path, superseded_path
from schemas.generate import extended_lock
from schemas.registry import LOCK, read_lock

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The published schemas, to be changed without harm."""
    ignored = shutil.ignore_patterns("__pycache__", "*.py", "*.md")
    return Path(shutil.copytree(ROOT, tmp_path / "schemas", ignore=ignored))


def edit_file(path: Path, edit: Edit) -> None:
    definition = json.loads(path.read_text(encoding="utf-8"))
    edit(definition)
    path.write_text(json.dumps(definition, ensure_ascii=False), encoding="utf-8")


def publish(tree: Path, family: str, event: str, edit: Edit) -> None:
    """A new version, made as a developer makes it: keep the old file, edit, generate."""
    version = max(line.version for line in read_lock(tree) if line.event == event)
    path = current_path(tree, family, event)
    kept = superseded_path(tree, family, event, version)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, kept)
    edit_file(path, edit)
    register(tree)


def register(tree: Path) -> None:
    lock = extended_lock(read_lock(tree), current_files(tree), tree)
    (tree / LOCK).write_text("".join(line.text() + "\n" for line in lock), encoding="utf-8")


def field(definition: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in definition["fields"] if one["name"] == name)
    return found


def rules(tree: Path, subject: str) -> set[str]:
    findings = check(tree)
    assert {finding.subject for finding in findings} == {subject}, findings
    return {finding.rule for finding in findings}


def test_what_is_published_is_compatible() -> None:
    assert check() == []


def test_a_new_field_with_a_default_is_welcome(tree: Path) -> None:
    added = {"name": "note", "type": ["null", "string"], "default": None, "class": "plain", "doc": "A note."}
    publish(tree, "card", "CardLocked", lambda definition: definition["fields"].append(added))
    assert [line.version for line in read_lock(tree) if line.event == "CardLocked"] == [1, 2]
    assert check(tree) == []


def test_a_renamed_field_is_found(tree: Path) -> None:
    publish(tree, "transit", "PurseToppedUp", lambda definition: field(definition, "amount_fen").update(name="fen"))
    found = rules(tree, "onecard.transit.v1.PurseToppedUp")
    assert found == {"field_removed", "field_added_without_default", "unreadable"}


def test_a_removed_default_is_found(tree: Path) -> None:
    publish(tree, "medical", "MedicalSettled", lambda definition: field(definition, "wallet_fen").pop("default"))
    assert rules(tree, "onecard.medical.v1.MedicalSettled") == {"default_changed"}


def test_a_removed_default_of_a_field_that_old_bytes_lack_makes_them_unreadable(tree: Path) -> None:
    publish(tree, "card", "CardIssued", lambda definition: field(definition, "issuing_area").pop("default"))
    found = rules(tree, "onecard.card.v1.CardIssued")
    assert found == {"default_changed", "unreadable", "field_added_without_default"}


def test_a_changed_unit_is_found(tree: Path) -> None:
    publish(tree, "benefit", "BudgetIssued", lambda definition: field(definition, "amount_fen").update(unit="yuan"))
    assert rules(tree, "onecard.benefit.v1.BudgetIssued") == {"unit_changed"}


def test_a_changed_logical_type_is_found(tree: Path) -> None:
    millis = {"type": "long", "logicalType": "timestamp-millis"}
    publish(tree, "card", "CardLocked", lambda definition: field(definition, "occurred_at").update(type=millis))
    assert rules(tree, "onecard.card.v1.CardLocked") == {"logical_type_changed"}


def test_a_changed_logical_type_of_an_optional_field_is_found(tree: Path) -> None:
    plain = ["null", "int"]
    publish(tree, "card", "CardCancelled", lambda definition: field(definition, "died_on").update(type=plain))
    assert rules(tree, "onecard.card.v1.CardCancelled") == {"logical_type_changed"}


def test_a_symbol_added_to_an_enum_without_default_is_found(tree: Path) -> None:
    def reason(definition: dict[str, Any]) -> dict[str, Any]:
        enum: dict[str, Any] = field(definition, "reason")["type"]
        return enum

    edit_file(current_path(tree, "card", "CardLocked"), lambda definition: reason(definition).pop("default"))
    lines = (tree / LOCK).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "CardLocked" not in line]
    renumbered = [json.dumps(json.loads(line) | {"id": number}) for number, line in enumerate(kept, 1)]
    (tree / LOCK).write_text("\n".join(renumbered) + "\n", encoding="utf-8")
    register(tree)
    assert rules(tree, "onecard.card.v1.CardLocked") == {"enum_without_default"}

    publish(tree, "card", "CardLocked", lambda definition: reason(definition)["symbols"].append("STOLEN"))
    found = rules(tree, "onecard.card.v1.CardLocked")
    assert found == {"enum_without_default", "symbol_added_without_default", "unreadable"}


def test_a_symbol_added_to_an_enum_with_default_is_welcome(tree: Path) -> None:
    def stolen(definition: dict[str, Any]) -> None:
        field(definition, "reason")["type"]["symbols"].append("STOLEN")

    publish(tree, "card", "CardLocked", stolen)
    assert check(tree) == []


def test_a_removed_symbol_is_found(tree: Path) -> None:
    def no_risk(definition: dict[str, Any]) -> None:
        field(definition, "reason")["type"]["symbols"].remove("RISK")

    publish(tree, "card", "CardLocked", no_risk)
    assert rules(tree, "onecard.card.v1.CardLocked") == {"symbol_removed"}


def test_a_reused_id_is_found(tree: Path) -> None:
    lines = [json.loads(line) for line in (tree / LOCK).read_text(encoding="utf-8").splitlines()]
    lines[9]["id"] = lines[2]["id"]
    (tree / LOCK).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = {finding.subject: finding.rule for finding in check(tree)}
    assert found == {lines[2]["subject"]: "id_reused", lines[9]["subject"]: "id_reused"}


def test_a_registered_version_that_was_edited_is_found(tree: Path) -> None:
    edit_file(current_path(tree, "card", "CardLocked"), lambda definition: definition.update(doc="Something else."))
    assert rules(tree, "onecard.card.v1.CardLocked") == {"version_changed"}
    edit_file(superseded_path(tree, "card", "CardIssued", 1), lambda definition: definition.update(doc="Other."))
    assert {finding.subject for finding in check(tree) if finding.rule == "version_changed"} == {
        "onecard.card.v1.CardLocked",
        "onecard.card.v1.CardIssued",
    }


def test_a_removed_version_is_found(tree: Path) -> None:
    superseded_path(tree, "card", "CardIssued", 1).unlink()
    assert "version_removed" in rules(tree, "onecard.card.v1.CardIssued")


def test_a_field_without_meaning_or_privacy_class_is_found(tree: Path) -> None:
    def silent(definition: dict[str, Any]) -> None:
        field(definition, "reason").pop("doc")
        field(definition, "card_sn")["class"] = "secret"

    publish(tree, "card", "CardLocked", silent)
    assert rules(tree, "onecard.card.v1.CardLocked") == {"undocumented", "unclassified"}
