"""Kills a gateway at random moments under load, again and again, and compares what clients received with its rows."""
