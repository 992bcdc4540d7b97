"""The numbers of a step: task gradients, Gramians, prompt sampling, the ledger that counts, the probe that measures.

May import torch, records and the contracts of methods and tasks, and no trainer. Read `gradients.py` first.
"""
