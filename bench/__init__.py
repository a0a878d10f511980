"""Measures polystore beside the bare driver, in one run; see README.md."""
