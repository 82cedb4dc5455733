"""The contract: one Avro schema per event, and everything that is derived from them."""
