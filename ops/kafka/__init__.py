"""Apache Kafka on this machine: one broker from Maven artifacts, for a laptop, the demo and the tests."""
