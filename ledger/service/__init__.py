"""One batch of commands: resolve cards, decide, encode, append."""
