"""What must not be said: clocks and chance in the pure core, floats near money, the environment outside settings."""

import ast

from tests.house.tree import Module, dotted, modules, product, within

PURE = ("ledger/core", "ledger/families")

# A pure module computes from what it is given. These would let the world in.
IMPURE_IMPORTS = [
    "asyncio", "fcntl", "glob", "io", "logging", "multiprocessing", "os", "pathlib", "psycopg", "psycopg_pool",
    "random", "secrets", "select", "shutil", "signal", "socket", "sqlite3", "structlog", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib",
]  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "uuid4", "uuid1", "uuid.uuid4", "uuid.uuid1"}
CLOCK_READINGS = {"now", "utcnow", "today"}

# Files where a fraction is no sum of money, and what it is there.
FLOATS_ALLOWED = {
    "ledger/service/idle.py": "how long to sleep between two looks at who waits for the lease",
    "projections/relay/pause.py": "how long to sleep between two looks at whether to end",
    "projections/kafka/reader.py": "how long to sleep between two looks at a partition's leader",
    "ops/sharing.py": "how long to sleep between two looks at a lock",
    "ops/processes.py": "how long to sleep between two looks at a server",
    "ops/topics/plan.py": "how long to sleep between two looks at a cluster",
    "ops/postmaster.py": "how long to sleep between two looks at a server",
}
ENVIRONMENT_READERS = {"ops/settings.py"}
# The only files that connect to PostgreSQL by themselves, and why.
CONNECTORS = {
    "ledger/store/connecting.py": "so that every connection is made alike",
    "ops/api/look.py": "who looks at a store's health has limits of its own",
    "ops/database.py": "a first look at a server that nobody knows yet",
}
# Who writes to a terminal does it through the command line's console; these are programs of their own.
PRINTERS = ("schemas", "ops")


def impurities(module: Module) -> list[str]:
    found = [
        f"{module.path}:{line} imports {name}"
        for line, name in module.imports()
        for banned in IMPURE_IMPORTS
        if within(name, banned)
    ]
    for node in module.nodes():
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if called in IMPURE_CALLS or ("." in called and called.rpartition(".")[2] in CLOCK_READINGS):
                found.append(f"{module.path}:{node.lineno} calls {called}")
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"{module.path}:{node.lineno} divides with /, which gives a float; use //")
    return found


def floats(module: Module) -> list[str]:
    found = []
    for node in module.nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{module.path}:{node.lineno} holds the float {node.value}")
        if isinstance(node, ast.Name) and node.id == "float":
            found.append(f"{module.path}:{node.lineno} names float")
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"{module.path}:{node.lineno} imports {name}" for name in names if name in ("math", "statistics")]
    return found


def environment_readings(module: Module) -> list[str]:
    read = ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv")
    by_attribute = [node for node in module.nodes() if isinstance(node, ast.Attribute) and dotted(node) in read]
    found = [f"{module.path}:{node.lineno} reads the environment" for node in by_attribute]
    return found + [f"{module.path}:{line} imports {name}" for line, name in module.imports() if name in read]


def printing(module: Module) -> list[str]:
    calls = [node for node in module.nodes() if isinstance(node, ast.Call) and dotted(node.func) == "print"]
    return [f"{module.path}:{node.lineno} prints" for node in calls]


def connecting(module: Module) -> list[str]:
    calls = [node for node in module.nodes() if isinstance(node, ast.Call) and dotted(node.func) == "psycopg.connect"]
    return [f"{module.path}:{node.lineno} connects to PostgreSQL by itself" for node in calls]


def swallowed(module: Module) -> list[str]:
    """Handlers that catch everything and go on. One that raises again, anything, is no swallowing."""
    found = []
    for node in module.nodes():
        if isinstance(node, ast.ExceptHandler) and (node.type is None or "Exception" in dotted(node.type).split(".")):
            if not any(isinstance(inside, ast.Raise) for inside in ast.walk(node)):
                found.append(f"{module.path}:{node.lineno} catches every exception and goes on")
    return found


def test_the_core_and_the_families_are_pure() -> None:
    assert [finding for module in modules(*PURE) for finding in impurities(module)] == []


def test_no_float_comes_near_money() -> None:
    offences = {module.path: found for module in product() if (found := floats(module))}
    assert [line for path, found in offences.items() if path not in FLOATS_ALLOWED for line in found] == []
    assert set(FLOATS_ALLOWED) <= set(offences), "an allowance that is not needed any more"


def test_only_the_settings_read_the_environment() -> None:
    readers = [m for m in product() if m.path not in ENVIRONMENT_READERS]
    assert [finding for module in readers for finding in environment_readings(module)] == []


def test_nothing_below_the_operations_prints() -> None:
    quiet = [m for m in product() if not m.path.startswith(PRINTERS)]
    assert [finding for module in quiet for finding in printing(module)] == []


def test_connections_to_the_store_are_made_in_one_place() -> None:
    """Else one of them would work under limits that an administrator has set for other programs."""
    offences = {module.path: found for module in product() if (found := connecting(module))}
    assert [line for path, found in offences.items() if path not in CONNECTORS for line in found] == []
    assert set(CONNECTORS) == set(offences), "an allowance that is not needed any more"


def test_no_error_is_swallowed() -> None:
    assert [finding for module in product() for finding in swallowed(module)] == []


def test_the_rules_see_a_planted_offence() -> None:
    def planted(text: str) -> Module:
        return Module("ledger/core/planted.py", text)

    assert impurities(planted("from datetime import datetime\nx = datetime.now()"))
    assert impurities(planted("import datetime as d\nx = d.datetime.utcnow()"))
    assert impurities(planted("import time"))
    assert impurities(planted("from os import path"))
    assert impurities(planted("fee = total / 3"))
    assert impurities(planted("def f():\n    print('x')"))
    assert floats(planted("rate = 0.5")) and floats(planted("x = float(y)")) and floats(planted("x = 1e3"))
    assert environment_readings(planted("import os\nos.environ['HOME']"))
    assert environment_readings(planted("from os import environ"))
    assert printing(planted("print('x')"))
    assert connecting(planted("with psycopg.connect(dsn) as c:\n    pass"))
    assert swallowed(planted("try:\n    f()\nexcept Exception:\n    pass"))
    assert not swallowed(planted("try:\n    f()\nexcept Exception:\n    undo()\n    raise"))
