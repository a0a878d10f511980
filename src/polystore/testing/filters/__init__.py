"""Filters mean the same everywhere: questions whose answers the reference evaluator knows."""
