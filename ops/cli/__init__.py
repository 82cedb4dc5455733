"""The command line `onecard`."""
