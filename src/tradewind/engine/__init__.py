"""The engine: what happens next, pure."""
