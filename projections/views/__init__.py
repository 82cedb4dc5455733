"""Views in PostgreSQL: each file holds one view's tables, its set-based apply, and its questions."""
