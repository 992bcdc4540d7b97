"""Contributing: new methods from a template, submissions as a commit beside the work tree, and reruns of records.

May import everything below `bench.cli`, and torch only where a method is tried. Begin with `submit.py`.
"""
