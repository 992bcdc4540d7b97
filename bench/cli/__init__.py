"""The command line: one file a group of commands, which parse, call one function and print.

May import every room, each inside the command that needs it. Read `main.py` first, then `commands/running.py`.
"""
