"""The assembly: the only package that names concrete adapters. Everything else gets ports by constructor."""
