"""A run that is saved as it trains, so that the same command continues it bit for bit. Read `keeper.py` first."""
