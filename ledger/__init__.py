"""Writing: from a submitted command to stored bytes."""
