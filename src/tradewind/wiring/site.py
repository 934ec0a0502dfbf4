"""What the site says about every pod of a cluster: the template under it, the hook that changes it, the policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tradewind import settings as settings_tree
from tradewind.pods import manifest, policy, problems
from tradewind.ports import errors


def pod_template(told: settings_tree.KubernetesRuntimeSettings) -> dict[str, Any]:
    """Read once: a server is started again to take up another. Raises `errors.Rejected`."""
    path = told.pod_template_file
    if not path:
        return {}
    try:
        return manifest.read_template(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeError, problems.BadPod) as error:
        said = error.problem.message if isinstance(error, problems.BadPod) else str(error)
        raise errors.Rejected(
            f"cannot be used: {said}",
            object=f"pod template {path}",
            code="bad-site-template",
            hint="runtime.kubernetes.pod_template_file names a YAML file with one Pod",
        ) from error


def state_of(told: settings_tree.KubernetesRuntimeSettings) -> tuple[tuple[str, str], ...]:
    """Which state of the site's module is meant: it is read at start. Raises `errors.Rejected`."""
    path = told.local_settings
    if not path:
        return ()
    try:
        return (("tradewind.local_settings", str(Path(path).stat().st_mtime_ns)),)
    except OSError as error:
        raise errors.Rejected(
            f"cannot be read: {error.strerror}",
            object=f"local settings {path}",
            code="bad-local-settings",
            hint="runtime.kubernetes.local_settings names a Python file with a pod_mutation_hook",
        ) from error


def pod_policy(told: settings_tree.KubernetesRuntimeSettings) -> policy.Policy:
    """As the settings have it."""
    allowed = told.policy
    return policy.Policy(
        namespaces=allowed.namespaces,
        images=allowed.images,
        service_accounts=allowed.service_accounts,
        host_access=allowed.host_access,
    )
