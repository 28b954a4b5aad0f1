"""Activity that a rule names: a count, a list, a time."""
