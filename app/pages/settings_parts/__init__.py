"""What the Settings page is made of: the table of settings, a line for each, and the sections."""
