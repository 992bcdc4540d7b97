"""The verdict on records that needs more than records: suites, methods, tasks, and what git remembers.

`bench.records.rules` holds the rules of a record by itself and between records. This room knows the recipe that a
run had, the code that it names, and the history that nobody may change. No method's code is run: files are parsed.
"""
