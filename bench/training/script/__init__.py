"""The balanced step inside the trainer of a user's script: parts of a batch, a step in progress, what is refused.

Nothing here imports trl; `bench/training/trl/script.py` has the trainers. Read `parts.py` first.
"""
