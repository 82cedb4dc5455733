"""Events made from their schemas: any event Avro allows, and one plausible event that never changes."""

import hashlib
import uuid
import zlib
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

CARD_ID = "2854cb9c-f3e6-58a4-9e2c-2304799a8d1b"
OTHER_CARD_ID = "340ddc0f-5f7b-57ac-a4d7-4f0b5ab4bd9d"
INSTANT = 1_750_003_200_123_456
DAY = 20_254

# What a field of this name holds in the plausible event; others follow from their name and type, so that no two fields
# hold the same value and a reader that confuses them is found out.
NAMED: dict[str, Any] = {
    "card_version": 7,
    "occurred_at": INSTANT,
    "recorded_at": INSTANT + 2_345_678,
    "submitter": "H31010600123",
    "reference": "H31010600123202506151000000001",
    "channel": "COUNTER",
    "scheme": "YRD",
    "scheme_item": "yrd-12",
    "business_date": DAY,
    "card_id": CARD_ID,
    "receiver_card_id": OTHER_CARD_ID,
    "card_sn": "340000D15600000500000000000000A1",
    "new_card_sn": "340000D15600000500000000000000A2",
    "receiver_card_sn": "310000D15600000500000000000000B1",
    "card_number": "A1234567X",
    "new_card_number": "A12345681",
    "credit_code": "91350100M000100Y43",
    "issuing_area": "340000",
    "institution": "H31010600123",
    "operator": "SHMETRO",
    "programme": "grain",
    "bank": "ICBC",
    "insutype": "310",
    "giver_insutype": "310",
    "med_type": "2101",
    "clr_type": "310212",
    "fund_pay_type": "310100",
    "funds": {"310100": 470_000, "330100": 80_000},
    "wallet_cleared": {"34": 12_000},
    "village": "长桥村",
    "place": "长桥村村务公开栏",
    "document": "皖财社〔2025〕12号",
    "finding": "超标准收费：床位费重复计收。",
    "year": "2025",
    "balance_after_fen": -150,
    "brought_forward_fen": -61_045,
}
# By the end of the name, where the whole name says nothing.
ENDINGS: dict[str, Any] = {
    "treatment_province": "31",
    "treatment": "31",
    "payee": "31",
    "province": "34",
    "home": "34",
    "payer": "34",
    "treatment_area": "310106",
    "receiver_area": "310106",
    "area": "340100",
    "issue_city": "3401",
    "city": "3101",
    "cycle": "2025-06",
    "month": "2025-06",
    "period": "2025-06",
    "reason": "名单公示期内提出异议，经核实不成立。",
}


def named_types(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Full name -> definition of every enum, fixed and record of a schema."""
    found: dict[str, Any] = {}

    def visit(kind: Any) -> None:
        if isinstance(kind, list):
            for branch in kind:
                visit(branch)
        elif isinstance(kind, dict):
            if "name" in kind:
                found[f"{kind.get('namespace', definition['namespace'])}.{kind['name']}"] = kind
            for inner in (kind.get("items"), *[field["type"] for field in kind.get("fields", [])]):
                visit(inner)

    visit(dict(definition))
    return found


def resolved(kind: Any, names: dict[str, Any], namespace: str) -> Any:
    if isinstance(kind, str):
        return names.get(kind) or names.get(f"{namespace}.{kind}") or {"type": kind}
    return kind


class Shape:
    """One schema, asked for values."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.definition = definition
        self.names = named_types(definition)

    def plausible(self) -> dict[str, Any]:
        return {field["name"]: self._plausible(field["name"], field["type"]) for field in self.definition["fields"]}

    def events(self) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({f["name"]: self._any(f["type"]) for f in self.definition["fields"]})

    def _resolved(self, kind: Any) -> Any:
        return resolved(kind, self.names, self.definition["namespace"])

    def _plausible(self, name: str, kind: Any) -> Any:
        own = zlib.crc32(name.encode())
        if isinstance(kind, list):
            return self._plausible(name, kind[1]) if own % 3 else None
        kind = self._resolved(kind)
        match kind["type"]:
            case "enum":
                return NAMED[name] if NAMED.get(name) in kind["symbols"] else kind["symbols"][1:][own % 2]
            case "record":
                return {field["name"]: self._plausible(field["name"], field["type"]) for field in kind["fields"]}
            case "array":
                return [self._plausible(name, kind["items"])]
            case "map":
                return NAMED[name]
            case "fixed" if kind["size"] == 16:
                return NAMED.get(name, str(uuid.UUID(bytes=hashlib.md5(name.encode()).digest())))
            case "fixed":
                return hashlib.sha256(name.encode()).hexdigest()
            case "boolean":
                return own % 2 == 1
            case "int" | "long" if logical := kind.get("logicalType"):
                return NAMED.get(name, DAY - own % 50 if logical == "date" else INSTANT - own)
            case "int" | "long":
                return NAMED.get(name, own % 1_000_000 if name.endswith("_fen") else own % 300)
        ending = next((value for end, value in ENDINGS.items() if name.endswith(end)), None)
        return NAMED.get(name) or ending or f"{name.removesuffix('_id').upper().replace('_', '-')}-{own % 1000}"

    def _any(self, kind: Any) -> st.SearchStrategy[Any]:
        if isinstance(kind, list):
            return st.none() | self._any(kind[1])
        kind = self._resolved(kind)
        match kind["type"]:
            case "enum":
                return st.sampled_from([symbol for symbol in kind["symbols"] if symbol != kind["default"]])
            case "record":
                return st.fixed_dictionaries({field["name"]: self._any(field["type"]) for field in kind["fields"]})
            case "array":
                return st.lists(self._any(kind["items"]), max_size=4)
            case "map":
                return st.dictionaries(TEXT, INTEGERS[64], max_size=4).map(lambda found: dict(sorted(found.items())))
            case "fixed" if kind["size"] == 16:
                return st.uuids().map(str)
            case "fixed":
                return st.binary(min_size=32, max_size=32).map(bytes.hex)
            case "boolean":
                return st.booleans()
            case "int":
                return INTEGERS[32]
            case "long":
                return INTEGERS[64]
        assert kind["type"] == "string", kind
        return TEXT


TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
# Wide enough for every length of an integer, with the edges of the writer's tables.
EDGES = [0, 1, 63, 64, 8191, 8192, (1 << 20) - 1, 1 << 20, (1 << 27) - 1, 1 << 27, (1 << 31) - 1]
INTEGERS = {
    32: st.sampled_from(EDGES + [~edge for edge in EDGES]) | st.integers(-(1 << 31), (1 << 31) - 1),
    64: st.sampled_from(EDGES + [~edge for edge in EDGES])
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.integers(INSTANT - (1 << 50), INSTANT + (1 << 50)),
}
