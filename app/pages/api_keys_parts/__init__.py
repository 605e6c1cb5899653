"""What the API keys page is made of: its columns, and the sheet on which a key is made and shown once."""
