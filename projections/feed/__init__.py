"""The one port of the reading side: an ordered source of records, whatever carries them."""
