"""The version of the harness's own numerics; it loads nothing, so that a record is judged without torch."""

PROTOCOL = 2
"""Raised when the harness changes in a way that changes outcomes; part of every identity."""
