"""Benefit: budgets, payout batches and lines, overpayments (contract section 3)."""
