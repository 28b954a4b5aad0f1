"""What policies and models look at, one row per user and day, leg or episode."""
