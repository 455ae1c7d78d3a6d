"""From an error, in hand or in a log, to what happened, in words."""
