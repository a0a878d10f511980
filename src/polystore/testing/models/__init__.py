"""Models of stores in plain dictionaries, and steps that are taken on a store and its model alike.

A step asserts that the store answers what the model says.
"""
