"""What the window and the routes can ask of a gateway, by subject."""
