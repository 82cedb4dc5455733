"""How an event lies on Kafka: names of topics, partition of a stream, headers of a record. Pure, shared by all."""
