"""Pure, one room per family; each file reads facts, evolution, decisions, postings, top to bottom."""
