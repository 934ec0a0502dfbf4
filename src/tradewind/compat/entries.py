"""Entries of the table of Airflow's names, as `table` explains them."""

from __future__ import annotations

Table = dict[str, dict[str, str]]


def at(place: str, *names: str, **renamed: str) -> dict[str, str]:
    """Names of a module of the SDK; those that are called otherwise there by keyword."""
    return {
        **{name: f"{place}:{name}" for name in names},
        **{name: f"{place}:{real}" for name, real in renamed.items()},
    }


def operators(reason: str, *names: str) -> dict[str, str]:
    """Operators that keep their place and cannot run yet."""
    return dict.fromkeys(names, f"operator|{reason}")


def things(reason: str, *names: str) -> dict[str, str]:
    """Other names that load, and say so when they are used."""
    return dict.fromkeys(names, f"later|{reason}")


def refused(way_out: str, *names: str) -> dict[str, str]:
    """Names that load, say so when they are used, and will not come."""
    return dict.fromkeys(names, f"refused|{way_out}")


def moved(target: str, *names: str, **renamed: str) -> dict[str, str]:
    """Names that lie in a module of a provider; those that are called otherwise there by keyword."""
    return {
        **{name: f"moved|{target}.{name}" for name in names},
        **{name: f"moved|{target}.{real}" for name, real in renamed.items()},
    }
