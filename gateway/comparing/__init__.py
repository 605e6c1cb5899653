"""One question to several models, each a normal exchange, and what people thought of the answers."""
