"""I/O in: one folder per system that is read."""
