"""What the Conversations page is made of."""
