"""Programs: what one prints, expressions from examples, functions from a description. Read `execution.py` first.

What a model wrote runs in the sandbox (`tasks._sandbox`) or the jail (`tasks._jail`), never in this process.
"""
