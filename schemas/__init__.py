"""The contract of events: one hand-written Avro schema per event, and what is generated from it.

A consumer needs nothing but this package: `<family>/<Event>.avsc` says what an event means, `registry.lock` which id
its bytes carry, `history/` keeps superseded versions readable for ever. Python types and the catalogue are generated
(`python -m schemas.generate`) and committed, so that they can be read and reviewed.
"""
