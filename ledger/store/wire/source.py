"""The text of a function in the making: its lines, its local names, and the constants it refers to."""

from collections.abc import Mapping
from typing import Any

from ledger.store.wire import numbers
from schemas.files import Definition

UUID_BYTES, HASH_BYTES = 16, 32


class Source:
    def __init__(self, definition: Definition) -> None:
        self._lines: list[str] = []
        self._constants: dict[str, Any] = {
            **{name: value for name, value in vars(numbers).items() if not name.startswith("_")},
            "fromhex": bytes.fromhex,
        }
        self._named: dict[str, Definition] = {}
        self._names = 0
        self._namespace = definition["namespace"]
        self._title = definition["name"]

    def name(self, stem: str) -> str:
        """A local name nothing else uses."""
        self._names += 1
        return f"{stem}_{self._names}"

    def constant(self, stem: str, value: Mapping[Any, Any] | bytes) -> str:
        name = self.name(stem.upper())
        self._constants[name] = value
        return name

    def add(self, indent: str, text: str) -> None:
        """Adds the lines of `text`, each behind `indent`."""
        self._lines += [indent + line for line in text.strip("\n").split("\n")]

    def resolved(self, avro: object) -> Definition:
        """What a type stands for: a primitive as {"type": its name}, ["null", T] as {"type": "optional", "of": T}."""
        if isinstance(avro, str):
            return self._named.get(avro) or self._named.get(f"{self._namespace}.{avro}") or {"type": avro}
        if isinstance(avro, list):
            if len(avro) != 2 or avro[0] != "null":
                raise TypeError(f"only ['null', T] is a union of ours, not {avro}")
            return {"type": "optional", "of": avro[1]}
        assert isinstance(avro, dict)
        if "name" in avro:
            self._named[f"{avro.get('namespace', self._namespace)}.{avro['name']}"] = avro
        return avro

    def function(self, signature: str) -> Any:
        """The finished function."""
        name = signature.partition("(")[0]
        text = "\n".join([f"def {signature}:", *self._lines]) + "\n"
        exec(compile(text, f"<{name} {self._title}>", "exec"), self._constants)
        return self._constants[name]
