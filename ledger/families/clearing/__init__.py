"""Clearing: units and lines, cycles, notices, remittances, prepayment, audit, disputes (contract section 7)."""
