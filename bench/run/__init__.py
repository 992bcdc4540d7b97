"""One run: its address, its story, its record.

May import every room but the site, sweeps and the command line. Read `story.py` first, then `prepare.py`.
"""
