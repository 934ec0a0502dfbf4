"""Runtimes: where attempts run."""
