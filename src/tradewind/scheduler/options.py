"""What the scheduler is configured with; wiring fills it from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Durations and limits of the service itself (the engine has its own `Limits`)."""

    holder: str
    """Who we are, for the lease: host, pid and a random part."""
    lease: timedelta = timedelta(seconds=15)
    poll: timedelta = timedelta(seconds=1)
    grace: timedelta = timedelta(seconds=5)
    drain: timedelta = timedelta(seconds=30)
    commit_tries: int = 8
    mail_give_up: timedelta = timedelta(days=1)
    """A mail that no server took for so long is not tried again."""
