"""Transit: the purse, taps, fares and operating days (contract section 5)."""
