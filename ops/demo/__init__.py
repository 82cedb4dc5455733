"""`onecard demo`: the first run of a stranger, played through the commands that anybody can type."""
