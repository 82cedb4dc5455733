"""Card: the life of a card, its electronic twin, delegations and entitlements (contract section 2)."""
