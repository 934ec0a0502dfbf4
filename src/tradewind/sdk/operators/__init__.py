"""Operators that need no service: Empty, Bash, Python, branches, short circuit, triggers, pods."""
