"""Whether two mathematical answers are equal: by spelling, by exact numbers, and by math-verify in a worker process.

Read `symbolic.py` first. The text of a model is data here: it is parsed, and never evaluated.
"""
