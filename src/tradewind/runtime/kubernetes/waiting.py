"""What a pod that has not begun waits for, in one sentence: a node, an image, a volume. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tradewind.pods import verdict
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


def sentence(view: PodView, pulls: Mapping[str, str] | None = None) -> str:
    """The live reason. `pulls` are earlier `pull_errors`."""
    held = next((one for one in view.containers if one.state == "waiting" and one.reason not in _SAYS_NOTHING), None)
    if held is not None:
        return f"Container {held.name!r} waited: {_told(held, pulls or {})}."
    return verdict.sentence(view)


def _told(one: ContainerView, pulls: Mapping[str, str]) -> str:
    message = " ".join(one.message.split())
    earlier = " ".join(pulls.get(one.name, "").split()) if one.reason in _PULL else ""
    if earlier and earlier not in message:
        message = f"{message}: {earlier}" if message else earlier
    return f"{one.reason} ({message[:500]})" if message else one.reason
