"""People and machines: settings, the database, the command line, operations."""
