"""Commands that check, repeat and hand in results."""
