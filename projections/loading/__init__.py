"""Filling a new version of views from the log at once, by several processes, where order does not matter."""
