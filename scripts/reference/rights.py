"""The reference page of the rights in a cluster, made from their table (`tradewind.runtime.kubernetes.rights`)."""

from __future__ import annotations

from tradewind.runtime.kubernetes import rights

_HEAD = """\
# Rights in a cluster

<!-- made by scripts/reference/rights.py from src/tradewind/runtime/kubernetes/rights.py; do not edit -->

What a control plane asks of a namespace of tasks, by feature. `tradewind kubernetes role --namespace NS` prints a Role
with those that are marked as usual; `--feature` names others, `--feature none` leaves only what `pods` needs.
`tradewind doctor` asks the API server about each. No feature reads Secrets, none needs a right in the whole cluster.

| feature | usual | what for | rights |
|---|---|---|---|
"""

_FOOT = """
`KubernetesCreateResourceOperator` and `KubernetesDeleteResourceOperator` act on whatever kinds their YAML names: add
`create`, `get` and `delete` on those to the Role.
"""


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    rows = [
        f"| `{one.name}` | {'yes' if one.default else ''} | {one.told} | {'; '.join(map(_told, one.rights))} |"
        for one in rights.FEATURES
    ]
    return {"reference/rights.md": _HEAD + "\n".join(rows) + "\n" + _FOOT}


def _told(right: rights.Right) -> str:
    resource = f"{right.resource}.{right.group}" if right.group else right.resource
    return f"`{resource}`: {', '.join(right.verbs)}"
