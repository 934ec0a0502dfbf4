"""In-memory implementations of ports, for tests of ours and of others. They pass the ports' contract suites."""
