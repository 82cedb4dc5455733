"""What is wrong around the program rather than in it: a missing server, a bad setting, a file that cannot be read.

The message is one sentence a person can act on. The command line shows it without a traceback and exits with 3.
"""


class EnvironmentProblem(Exception):
    """The surroundings do not let the program work; the message says what to do about it."""
