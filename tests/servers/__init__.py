"""Real servers for tests: started on free ports and in temporary folders, stopped by process id."""
