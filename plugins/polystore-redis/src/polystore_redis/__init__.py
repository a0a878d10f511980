"""polystore on Redis and Valkey: key-value and document stores, alone, behind Sentinel or as a cluster."""
