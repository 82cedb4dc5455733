"""`onecard bench`: what this machine does with the ledger, beside what it could do at most, measured in one run."""
