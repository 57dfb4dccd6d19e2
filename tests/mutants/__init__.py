"""Seeded bugs: each a small change of the code that some test must notice (``make mutants``)."""
