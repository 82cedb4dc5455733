"""Service: counters, merchants, venues, libraries, passes, bills, vouchers, funds (contract section 6)."""
