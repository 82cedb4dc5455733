"""clearing: every clearing line with its state, the table of every cycle, notices, remittances and prepayment."""
