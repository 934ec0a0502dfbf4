"""`ResumableJobMixin`: operators that submit one job to another system and wait for its end."""

from __future__ import annotations

import abc
from typing import Any


class ResumableJobMixin(abc.ABC):
    """Mixed into an operator, which calls `execute_resumable` from its `execute`.

    Each try submits a job: a job's id is not kept from one try to the next before state stores are here, so `durable`
    is taken and has no effect yet.
    """

    external_id_key: str = "remote_job_id"

    def __init__(self, *, durable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.durable = durable

    def execute_resumable(self, context: Any) -> Any:
        """Submit, wait, and return the result. Raises what the operator's own methods raise."""
        external_id = self.submit_job(context)
        self.poll_until_complete(external_id, context)
        return self.get_job_result(external_id, context)

    @abc.abstractmethod
    def submit_job(self, context: Any) -> Any:
        """Submit the job; its id in the other system."""

    @abc.abstractmethod
    def get_job_status(self, external_id: Any, context: Any) -> str:
        """The job's state as the other system says it."""

    @abc.abstractmethod
    def is_job_active(self, status: str) -> bool:
        """Whether a job of this state still runs."""

    @abc.abstractmethod
    def is_job_succeeded(self, status: str) -> bool:
        """Whether a job of this state has done its work."""

    @abc.abstractmethod
    def poll_until_complete(self, external_id: Any, context: Any) -> None:
        """Wait for the job's end; raise where it failed."""

    @abc.abstractmethod
    def get_job_result(self, external_id: Any, context: Any) -> Any:
        """What the task returns."""
