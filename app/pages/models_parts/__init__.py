"""The parts of Models & prices: its lines and columns, the details, the editor of own prices, and re-pricing."""
