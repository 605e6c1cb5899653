"""Long runs against everything that can go wrong: mixed calls, a full disk, kills at random moments under load."""
