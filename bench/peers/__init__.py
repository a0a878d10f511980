"""What people use today, in an environment of its own, beside polystore on the same servers."""
