"""The static site: pages, charts and downloads from what `bench.analysis` says of the records.

Imports `bench.analysis`, `bench.records` and `bench.errors` alone. Read `build.py` first, then `pages.py`.
"""
