"""polystore on Redis and Valkey: key-value and document stores."""
