"""The scenarios of the field, each a folder under samples/: a story, its commands, and figures worked out by hand.

python -m ops.scenarios            writes docs/scenarios.md from them
python -m ops.scenarios --check    only compares; exit 1 when the page is stale
"""
