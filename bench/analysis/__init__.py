"""What may be said of records: gains, costs, imbalance, statistics, boards and reports, all without torch.

Imports `bench.records` and `bench.errors` alone. Read `board.py` first: it names every number of a leaderboard.
"""
