"""Medical: the personal account, treatment registrations, settlements, family aid (contract section 4)."""
