"""Requests: what a user asks for, as a typed suite, `key=value` words, a method and a seed.

Imports `bench.errors` and `bench.records`, neither methods nor tasks. Begin with `suite.py`, then `request.py`.
"""
