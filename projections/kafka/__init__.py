"""Kafka, as this product uses it: the only package that imports the client, and where its traps are guarded.

`access` says how the brokers are reached and turns the client's errors into one sentence; `publisher` writes whole
transactions; `reader` reads committed bytes and never hangs; `cluster` looks after topics and rights; `inside` is the
one file that touches what the client does not offer. The traps and their guards: docs/adr/0017.
"""

import logging

# The client logs what it will retry as errors, and its whole configuration, password included, at DEBUG. Nothing
# below INFO leaves it, and nothing at all is printed unless the program that uses us has set up logging.
logging.getLogger("kafka").addHandler(logging.NullHandler())
logging.getLogger("kafka").setLevel(logging.INFO)
