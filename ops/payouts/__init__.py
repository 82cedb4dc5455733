"""Files between the ledger and the agent bank: an instruction out, its results in."""
