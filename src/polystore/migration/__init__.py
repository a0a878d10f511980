"""`polystore migrate-from`: a foreign deployment into a configuration's stores.

Rows are written in the order in which the source hands them out, and where it got to is noted in a
file after each batch, so that an interrupted run goes on from there. Writing a row again changes
nothing. At the end everything is read once more on both sides and compared.
"""
