"""The reference of commands: what `onecard submit` takes, read from the registry and from the code that decides.

python -m ops.commands            writes docs/commands.md
python -m ops.commands --check    only compares; exit 1 when the page is stale
"""
