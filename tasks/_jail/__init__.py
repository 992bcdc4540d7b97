"""Whole programs that a model wrote, confined by the kernel: no network, no files, bounded time, memory and output.

Read `client.py` first. Tests and model code run in separate locked processes; docs/sandbox.md has the whole design.
"""
