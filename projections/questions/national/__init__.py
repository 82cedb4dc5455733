"""The same questions about every source at once: `--source all` (ADR 22).

One rule makes a national document of those that the sources give of themselves. An element of a list that belongs to
one ledger gains `source`; a sum is the nation's; a single value that one ledger alone can say (a position, a card's
state, a settlement) becomes an object by source. So equal names in two ledgers never meet, and every sum can be had in
its parts by asking with each source.
"""
