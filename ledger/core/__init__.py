"""Pure and shared: money, calendar, identity, postings, rejection and the decider's vocabulary. No I/O, no clock."""
