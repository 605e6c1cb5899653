"""What usage costs: the public list, the user's own prices, and the arithmetic."""
