"""Verify: re-derive everything the log determines and compare, in bounded memory; findings are typed."""
