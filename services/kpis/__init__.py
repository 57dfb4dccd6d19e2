"""Figures from tickets and their history: the policy, the local copy, the facts, the queries.

``board.Board`` is what screens ask; ``report`` is what the commands print; ``load`` and ``pull``
bring rows in. docs/kpis.md explains them.
"""
