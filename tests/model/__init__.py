"""The second model: a slow, separate reading of the contract that the product is checked against.

Nothing here imports the product, so a mistake shared by both has to be made twice. See ledger.Model for the way in."""
