"""polystore's reference backend: all four kinds in the process's memory."""
