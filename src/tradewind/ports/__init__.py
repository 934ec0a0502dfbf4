"""Contracts: what the services need of the world, as Protocols, and the tree of errors.

Adapters implement these and are blind to each other; `testing/` ships an in-memory implementation of each.
"""
