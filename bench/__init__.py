"""BalanceBench's harness: what turns a suite and a method into a record.

Its rooms and what each may import are drawn in docs/architecture.md. Read `bench/run/story.py` first.
"""
