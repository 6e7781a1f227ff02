"""Speed, measured and never asserted. Each prints a table."""
