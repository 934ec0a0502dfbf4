"""Builds a batch/v1 Job, as plain API JSON, from the arguments of `KubernetesJobOperator`. Pure.

Order, each over the one before: template file, `full_job_spec`, the operator's own parameters. The pod template is what
the pod operator's arguments make of a pod. Identity goes on the Job, and not on its pods: they are the Job's.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tradewind.model.problem import Problem
from tradewind.pods import manifest, merging, naming, policy, validity
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod, at

PREFIX = "job-"
Json = dict[str, Any]
OWN = frozenset(
    {
        "job_template_file", "full_job_spec", "backoff_limit", "completion_mode", "completions", "manual_selector",
        "parallelism", "selector", "suspend", "ttl_seconds_after_finished", "wait_until_job_complete",
        "job_poll_interval", "on_kill_propagation_policy", "discover_pods_retry_number", "unwrap_single", "queue_name",
    }
)  # fmt: skip
"""Arguments of the Job's operator that are none of a pod's."""

_OURS = "tradewind/"
_MANAGED_BY = "app.kubernetes.io/managed-by"


def pod_arguments(arguments: Mapping[str, Any]) -> Json:
    """Those that make the pod template. A deadline is the Job's: it holds over all of its pods."""
    return {name: value for name, value in arguments.items() if name not in OWN and name != "active_deadline_seconds"}


def build(arguments: Mapping[str, Any], identity: Identity, defaults: manifest.Defaults | None = None) -> Json:
    """The Job of one attempt. `job_template_file` is given as its contents. Raises `BadPod`."""
    pod = manifest.build(pod_arguments(arguments), identity, defaults)
    lower = _template(arguments)
    below = lower.get("spec") or {}
    spec = {**below, **_own_spec(arguments)}
    spec["template"] = merging.lay_over(below.get("template") or {}, _pod_template(pod))
    metadata = _metadata(lower.get("metadata") or {}, arguments)
    metadata["name"] = _name(arguments, metadata.get("name"), identity, spec)
    metadata["namespace"] = arguments.get("namespace") or metadata.get("namespace") or pod["metadata"]["namespace"]
    labels, annotations = identity.labels(), identity.annotations()
    del labels["kubernetes_pod_operator"]
    metadata["labels"] = {**metadata["labels"], **labels}
    metadata["annotations"] = {**metadata["annotations"], **annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def as_pod(job: Mapping[str, Any]) -> Json:
    """A pod of it, under the Job's name: what is looked at, and what the site's hook is given."""
    template, own = job["spec"]["template"], job["metadata"]
    metadata = {**(template.get("metadata") or {}), "name": own["name"], "namespace": own["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def with_pod(job: Json, pod: Json) -> Json:
    """The Job with this pod as its template. Its `restartPolicy` stays, since a Job's pods may not have every one."""
    template = _pod_template(pod)
    policy_before = job["spec"]["template"]["spec"].get("restartPolicy")
    if policy_before is not None:
        template["spec"] = {**template["spec"], "restartPolicy": policy_before}
    return {**job, "spec": {**job["spec"], "template": template}}


def check_policy(job: Mapping[str, Any], of_site: policy.Policy) -> list[Problem]:
    """What the site does not allow of its pods."""
    return policy.check(as_pod(job), of_site)


def check(job: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[Problem]:
    """Problems of the Job: those of its pods, and of its own numbers."""
    spec = job["spec"]
    found = validity.check(as_pod(job), pod_arguments(arguments))
    for field in ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds"):
        value = spec.get(field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            found.append(at(f"spec.{field}", f"must be a whole number, 0 or more, not {value!r}"))
    if spec.get("completionMode") not in (None, "NonIndexed", "Indexed"):
        found.append(at("spec.completionMode", f"is {spec['completionMode']!r}", "it is NonIndexed or Indexed"))
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        found.append(at("spec.completions", "is missing", "an Indexed Job says how many completions it has"))
    if spec.get("manualSelector") and not spec.get("selector"):
        found.append(at("spec.selector", "is missing", "manual_selector=True needs a selector"))
    return found


def _template(arguments: Mapping[str, Any]) -> Json:
    lower = _object("job_template_file", arguments.get("job_template_file"))
    upper = _object("full_job_spec", arguments.get("full_job_spec"))
    if not (lower and upper):
        return upper or lower
    below, above = lower.get("spec") or {}, upper.get("spec") or {}
    spec = {**below, **_given(above)}
    if below.get("template") or above.get("template"):
        spec["template"] = merging.lay_over(below.get("template") or {}, above.get("template") or {})
    return {**lower, **_given(upper), "metadata": _merged(lower, upper), "spec": spec}


def _merged(lower: Json, upper: Json) -> Json:
    below, above = lower.get("metadata") or {}, upper.get("metadata") or {}
    found = {**below, **_given(above)}
    for name in ("labels", "annotations"):
        found[name] = {**(below.get(name) or {}), **(above.get(name) or {})}
    return found


def _own_spec(arguments: Mapping[str, Any]) -> Json:
    get = arguments.get
    return _given(
        {
            "activeDeadlineSeconds": get("active_deadline_seconds"),
            "backoffLimit": get("backoff_limit"),
            "completionMode": get("completion_mode"),
            "completions": get("completions"),
            "manualSelector": get("manual_selector"),
            "parallelism": get("parallelism", 1),
            "selector": get("selector"),
            "suspend": get("suspend"),
            "ttlSecondsAfterFinished": get("ttl_seconds_after_finished"),
        }
    )


def _pod_template(pod: Json) -> Json:
    """The pod without name and namespace, which are the Job controller's, and without our identity: nobody who looks
    for pods of attempts finds those of a Job.
    """
    metadata = pod["metadata"]
    kept = {name: _without_ours(metadata.get(name) or {}) for name in ("labels", "annotations")}
    rest = {key: value for key, value in metadata.items() if key not in ("name", "namespace", "labels", "annotations")}
    return {"metadata": {**rest, **_given(kept)}, "spec": pod["spec"]}


def _without_ours(marks: Mapping[str, Any]) -> Json:
    return {key: value for key, value in marks.items() if not key.startswith(_OURS) and key != _MANAGED_BY}


def _metadata(lower: Json, arguments: Mapping[str, Any]) -> Json:
    found = copy.deepcopy(lower)
    for name in ("labels", "annotations"):
        own = {str(key): "" if value is None else str(value) for key, value in (arguments.get(name) or {}).items()}
        found[name] = {**(found.get(name) or {}), **own}
    return found


def _name(arguments: Mapping[str, Any], given: str | None, identity: Identity, spec: Json) -> str:
    stem = arguments.get("name") or given
    if not arguments.get("random_name_suffix", True) and stem:
        return PREFIX + naming.exact_name(stem)
    longest = naming.LONGEST
    if spec.get("completionMode") == "Indexed":
        # Pods of an Indexed Job have a host name: that of the Job and their index.
        longest -= 1 + len(str(max(0, int(spec.get("completions") or 1) - 1)))
    if not arguments.get("random_name_suffix", True):
        return (PREFIX + naming.slug(identity.task_id))[:longest].rstrip("-")
    return naming.pod_name(PREFIX + (stem or identity.task_id), identity.attempt_id, longest=longest)


def _object(name: str, given: Any) -> Json:
    if given is None or given == "":
        return {}
    if not isinstance(given, Mapping):
        raise BadPod.of(name, f"must be a Job, not {type(given).__name__}: {str(given)[:80]!r}")
    return copy.deepcopy(dict(given))


def _given(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}
