"""What a pod that has not begun waits for, in one sentence: a node, an image, a volume. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tradewind.pods.view import ContainerView, PodView

_SAYS_NOTHING = frozenset({"", "PodInitializing", "ContainerCreating"})
_PULL = frozenset({"ErrImagePull", "ImagePullBackOff"})


def pull_errors(view: PodView) -> dict[str, str]:
    """What pulls said, by container. A back-off's own message may be without it, on older kubelets."""
    return {one.name: one.message for one in view.containers if one.reason == "ErrImagePull" and one.message}


def hopeless(view: PodView) -> str:
    """Why it can never begin: the name of an image that no registry can have. Empty where it may yet."""
    found = next((one for one in view.containers if one.state == "waiting" and one.reason == "InvalidImageName"), None)
    return "" if found is None else f"Container {found.name!r} cannot start: {_told(found, {})}."


def find(view: PodView, verb: str, *, pulls: Mapping[str, str] | None = None, warning: str = "") -> str:
    """What keeps it from its start; empty where all goes its way. `verb`: it "waits", or it "waited".

    `pulls` are earlier `pull_errors`, `warning` is the newest of the pod's events.
    """
    held = next((one for one in view.containers if one.state == "waiting" and one.reason not in _SAYS_NOTHING), None)
    if held is not None:
        return f"Container {held.name!r} {verb}: {_told(held, pulls or {})}."
    status, _, why = view.conditions.get("PodScheduled", "").partition(" ")
    if status == "False" and why:
        return f"The pod {verb} for a node: {_one_line(why)}"
    if warning and view.node and not any(one.state in ("running", "terminated") for one in view.containers):
        # No container says so: a volume that cannot be mounted, a network that is not there.
        return f"The pod {verb} on node {view.node}: {_one_line(warning)}"
    return ""


def _told(one: ContainerView, pulls: Mapping[str, str]) -> str:
    message = _one_line(one.message)
    earlier = _one_line(pulls.get(one.name, "")) if one.reason in _PULL else ""
    if earlier and earlier not in message:
        message = f"{message}: {earlier}" if message else earlier
    return f"{one.reason} ({message})" if message else one.reason


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
