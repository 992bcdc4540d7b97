"""Held-out scores: the suite's tasks through lm-eval, and lm-eval's own tasks over the same rows.

May import models, records and tasks. Read `rewards.py` first.
"""
