"""The pod operator's parameters, and what becomes of each: none is silently ignored.

The names are those of `apache-airflow-providers-cncf-kubernetes` 10.25.0.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from tradewind.model.problem import Problem

MANIFEST = frozenset(
    {
        "active_deadline_seconds", "affinity", "annotations", "arguments", "automount_service_account_token",
        "base_container_name", "cmds", "configmaps", "container_resources", "container_security_context",
        "dns_config", "dnspolicy", "do_xcom_push", "env_from", "env_vars", "full_pod_spec", "host_aliases",
        "hostname", "hostnetwork", "image", "image_pull_policy", "image_pull_secrets", "init_containers", "labels",
        "name", "namespace", "node_selector", "pod_runtime_info_envs", "pod_template_dict", "pod_template_file",
        "ports", "priority_class_name", "random_name_suffix", "runtime_class_name", "schedulername", "secrets",
        "security_context", "service_account_name", "subdomain", "termination_grace_period",
        "termination_message_policy", "tolerations", "volume_mounts", "volumes",
    }
)  # fmt: skip
"""In the manifest."""

FOLLOWED = frozenset(
    {
        "container_logs", "get_logs", "init_container_logs", "is_delete_operator_pod", "log_events_on_failure",
        "log_events_on_startup", "log_pod_spec_on_failure", "on_finish_action", "on_kill_action",
        "schedule_timeout_seconds", "skip_on_exit_code", "startup_timeout_seconds",
        "container_name_log_prefix_enabled",
    }
)  # fmt: skip
"""Kept to by whoever launches and follows the pod."""

NOTHING_NEEDED = frozenset(
    {
        "base_container_status_polling_interval", "deferrable", "durable", "logging_interval", "poll_interval",
        "reattach_on_restart", "startup_check_interval_seconds", "trigger_kwargs",
    }
)  # fmt: skip
"""They tune a worker that polls; here nothing polls, and every attempt is recovered after a restart."""

OF_A_CLUSTER = frozenset(
    {
        "cluster_context", "config_file", "in_cluster", "kubernetes_conn_id",
        "xcom_sidecar_container_security_context",
    }
)  # fmt: skip
"""Where and how a cluster is reached; without meaning where none is."""

CODE = frozenset({"callbacks", "log_formatter", "progress_callback"})
"""Python, which stays in the file."""

KNOWN = MANIFEST | FOLLOWED | NOTHING_NEEDED | OF_A_CLUSTER | CODE


def check(arguments: Mapping[str, Any]) -> list[Problem]:
    """Arguments that nobody knows, with near names."""
    return [
        Problem(
            code="unknown-pod-argument",
            object=f"argument {name!r}",
            message="the pod operator has no such parameter",
            hint=_near(name),
        )
        for name in arguments
        if name not in KNOWN
    ]


def _near(name: str) -> str:
    found = difflib.get_close_matches(name, KNOWN, n=1)
    return f"is {found[0]!r} meant?" if found else "the reference docs list them all"
