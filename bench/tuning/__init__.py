"""Choosing settings and learning rate for every method by the same number of trials.

May import `bench.sweeps` and what is below it; never torch. Read `tune.py` first.
"""
