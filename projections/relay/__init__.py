"""The relay: the log's bytes onto the topics, each event once; and back into a store that was restored too old."""
