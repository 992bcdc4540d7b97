"""Records: the schema of a run's JSON document, the store that holds them, and what lies beside them.

Imports `bench.errors` and pydantic alone, so that whoever reads records needs nothing else. Begin with `schema.py`,
then `store.py`; `rules/` holds the rules that a record must keep.
"""
