"""What is asked over HTTP: the schema registry's read endpoints, health, metrics. Asking changes nothing."""
