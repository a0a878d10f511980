"""One application on many combinations of backends: the same answers on each."""
