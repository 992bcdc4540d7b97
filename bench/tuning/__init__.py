"""Tuning under one budget for all methods: the points that are tried, their runs, and the choice."""
