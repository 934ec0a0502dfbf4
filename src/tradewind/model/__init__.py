"""The nouns: ids, states, DAG specifications, rows, events, facts and commands.

Plain immutable values; no clock, no random, no I/O. Every other package speaks in these.
"""
