"""I/O of the writing side: the event store and everything it keeps."""
