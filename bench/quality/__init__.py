"""What validation with Great Expectations costs, by rows."""
