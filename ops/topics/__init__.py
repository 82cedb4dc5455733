"""Topics as code: what is declared, how a Kafka differs from it, and making it so."""
