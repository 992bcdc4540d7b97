"""Validation: the verdict on records that needs more than records: suites, methods, tasks, and what git remembers.

`bench.records.rules` holds the rules of a record by itself and between records. This room imports it, the requests
and the registries, and runs no method's code: files are parsed. Begin with `verdict.py`.
"""
