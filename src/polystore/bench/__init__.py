"""Measures the stores of a configuration: `polystore bench`.

`records` makes what is stored, `timing` takes the times, `stores` says what is measured where, each
kind has a file with its operations, and `run` carries all of it out.
"""
