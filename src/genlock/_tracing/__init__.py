"""Recording: from a call to those who record or listen."""
