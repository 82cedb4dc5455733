"""Views that follow one business each: rows of things as they stand, folded from the events that change them."""
