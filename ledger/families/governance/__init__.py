"""Governance: seals, who looked, restriction, erasure, links of records, items of schemes (contract section 8)."""
