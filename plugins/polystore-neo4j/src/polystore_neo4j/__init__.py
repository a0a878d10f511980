"""polystore on Neo4j: graph stores."""
