"""polystore's four kinds of stores in one SQLite file."""
