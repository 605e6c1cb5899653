"""What each exchange said, told to the store of conversations off the request path, and redacted before that."""
