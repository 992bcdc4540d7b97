"""Questions: facts from a text, and multiple choice from published sets. Read `lookup.py` first.

A module here imports the contract (`from tasks import ...`), `tasks._choice` and nothing that trains.
"""
