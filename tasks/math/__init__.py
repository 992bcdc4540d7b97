"""Mathematics: sums drawn by rule, word problems and competition problems. Read `arithmetic.py` first.

A module here imports the contract (`from tasks import ...`), `tasks._formulas` and nothing that trains.
"""
