"""The command line: Typer commands over ports, opened lazily by wiring."""
