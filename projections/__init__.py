"""Reading: from stored bytes to views."""
