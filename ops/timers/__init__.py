"""What the calendar does: found in the rows that decisions keep, recorded by ordinary commands."""
