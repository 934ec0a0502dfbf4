"""What the runtime of a cluster is configured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradewind.pods import policy, result, result_helper
from tradewind.runtime.kubernetes.cluster_choice import HOME, Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings `runtime.kubernetes`, and the limits that attempts get from other places of the tree."""

    cluster: Choice = HOME
    """Which one it is."""
    namespace: str = ""
    """Of pods that name none; empty: the kubeconfig's."""
    result_way: str = result.SIDECAR
    """How pods hand over their values where a task does not say it, one of `pods.result.WAYS`."""
    helper: result_helper.Helper = field(default_factory=result_helper.Helper)
    template: Mapping[str, Any] = field(default_factory=dict)
    """A Pod that is laid under each."""
    local_settings: str = ""
    """A file of the site with a `pod_mutation_hook`."""
    of_local_settings: tuple[tuple[str, str], ...] = ()
    """Tells its process apart from that of the file as it was before a change."""
    policy: policy.Policy = field(default_factory=policy.Policy)
    log_streams: int = 32
    """Open at once, to follow logs."""
    log_file_bytes: int = 10 << 20
    """At which size a node puts a container's log aside (`containerLogMaxSize` of its kubelet)."""
    log_quota_bytes: int = 1 << 30
    ephemeral: bool = False
    """What runs ends with us."""
