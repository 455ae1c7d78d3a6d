"""What was recorded, as plain data, and what can be read from it."""
