"""What the Providers page is made of: cards, the words for a provider's state, and the panels for keys and vaults."""
