"""Stage 1 of the contract: from the bytes of a line to a command, or to the first code that refuses its shape."""

import hashlib
import hmac
import json
from typing import Any

from tests.model.commands import OWN_FIELDS, fields_of
from tests.model.formats import FORMATS, NotAnInteger, instant_micros, one_of

MAX_LINE_BYTES = 65_536
INTEGER_DIGITS = 40  # beyond any range of the contract; longer literals need not be computed


class Refused(Exception):
    """A command is refused; `code` is the reject code of the contract."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def refuse_if(condition: object, code: str) -> None:
    if condition:
        raise Refused(code)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _integer(text: str) -> int:
    if len(text) > INTEGER_DIGITS:
        huge: int = 10**INTEGER_DIGITS
        return -huge if text.startswith("-") else huge
    return int(text)


def _not_json(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def parse(raw: bytes) -> dict[str, Any]:
    refuse_if(len(raw) > MAX_LINE_BYTES, "malformed_json")
    try:
        document = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=lambda text: NotAnInteger(),
            parse_constant=_not_json,
        )
        _refuse_surrogates(document)
    except (ValueError, RecursionError) as problem:
        raise Refused("malformed_json") from problem
    if not isinstance(document, dict):
        raise Refused("malformed_json")
    return document


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            key.encode("utf-8")
            _refuse_surrogates(item)


def check_shape(document: dict[str, Any]) -> dict[str, Any]:
    """The command's present fields, or Refused. Fields that are null count as absent."""
    present = {name: value for name, value in document.items() if value is not None}
    refuse_if("command" not in present, "missing_field")
    command = present["command"]
    refuse_if(not isinstance(command, str), "wrong_type")
    refuse_if(command not in OWN_FIELDS, "unknown_command")
    fields = fields_of(command)
    refuse_if(any(required and name not in present for name, _, required in fields), "missing_field")
    known = {"command"} | {name for name, _, _ in fields}
    refuse_if(any(name not in known for name in present), "unknown_field")
    for name, form, _ in fields:
        if name in present:
            check = FORMATS[form] if form in FORMATS else one_of(form.split("|"))
            fault = check(present[name])
            if fault:
                raise Refused(fault)
    refuse_if(("scheme" in present) != ("scheme_item" in present), "missing_field")
    _check_together(command, present)
    return present


def _if_and_only_if(present: dict[str, Any], name: str, wanted: bool) -> None:
    refuse_if(wanted and name not in present, "missing_field")
    refuse_if(not wanted and name in present, "unknown_field")


def _check_together(command: str, present: dict[str, Any]) -> None:
    """The shape rules that look at more than one field, in the order of the command's table."""
    if command == "CancelCard":
        _if_and_only_if(present, "died_on", present["reason"] == "DEATH")
    elif command == "ReplaceCard":
        refuse_if(("bank" in present) != ("bank_account" in present), "missing_field")
    elif command == "GrantEntitlement":
        _if_and_only_if(present, "concession_class", present["kind"] == "TRANSIT_CONCESSION")
    elif command == "RegisterTreatment":
        first_three = present["reason"] in ("RETIRED", "RESIDENT", "STATIONED")
        refuse_if(first_three != (present["kind"] == "LONG_TERM"), "unknown_code")
    elif command == "SettleMedical":
        refuse_if(("admitted_on" in present) != ("discharged_on" in present), "missing_field")
    elif command == "SpendFamilyAid":
        _if_and_only_if(present, "institution", present["purpose"] == "PURCHASE")
        _if_and_only_if(present, "fund_pay_type", present["purpose"] == "PREMIUM")
    elif command == "TapTransit":
        refuse_if("entry_counter" in present and present["tap_type"] != "EXIT", "unknown_field")
    elif command == "PayMerchant":
        _if_and_only_if(present, "funder", present["discount_fen"] > 0)
    elif command == "RecordRemittance":
        _if_and_only_if(present, "returned_remittance_id", present["method"] == "RETURN")
        _if_and_only_if(present, "notice_id", present["book"] != "TRANSIT")
        _if_and_only_if(present, "issue_city", present["book"] == "TRANSIT")
        _if_and_only_if(present, "use_city", present["book"] == "TRANSIT")
        _if_and_only_if(present, "bank_transaction", present["method"] != "PREPAYMENT")


def person_key(secret: bytes, number: str) -> str:
    return hmac.new(secret, number.encode("ascii"), hashlib.sha256).hexdigest()


def understood(present: dict[str, Any], secret: bytes) -> dict[str, Any]:
    """The same command as the ledger reads it: persons as keys, instants as microseconds."""
    command = dict(present)
    for name, form, _ in fields_of(present["command"]):
        if name in command and form == "person":
            command[name] = person_key(secret, command[name])
        if name in command and form == "instant":
            command[name] = instant_micros(command[name])
    return command


def content_digest(command: dict[str, Any]) -> str:
    """Two commands are the same content when their digests agree; the form of the text does not matter beyond that."""
    text = json.dumps(command, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
