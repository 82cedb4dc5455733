"""Fixtures live in plug-ins with a subject each; this is the list of them."""

pytest_plugins = [
    "tests.fix_command",
    "tests.fix_postgres",
    "tests.fix_servers",
    "tests.fix_seed",
    "tests.fix_stores",
    "tests.fix_damage",
    "tests.fix_told",
    "tests.fix_kafka",
    "tests.fix_published",
    "tests.fix_planting",
    "tests.fix_order",
]
