"""What an API server would refuse in a Pod, told before it is sent, by field path.

Sources: Kubernetes' validation of Pod (apis/core/validation) and apimachinery's names. A text that still holds a
template is not judged. An empty answer does not promise that the server takes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tradewind.model.problem import Problem
from tradewind.pods import arguments as parameters
from tradewind.pods import quantity
from tradewind.pods.problems import at, lacking

_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_QUALIFIED = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
_PORT_NAME = re.compile(r"^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$")
_PLAIN_MAPS = frozenset(
    {
        "annotations", "labels", "limits", "matchFields", "matchLabels", "nodeSelector", "options", "requests",
        "volumeAttributes", "overhead",
    }
)  # fmt: skip
_CHOICES = {
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
}
Json = Mapping[str, Any]


def check(manifest: Json, arguments: Json | None = None) -> list[Problem]:
    """Problems of the manifest, and of the names of the operator's arguments where they are given."""
    found = parameters.check(arguments or {})
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        return [*found, at("spec", "is missing")]
    found += _metadata(manifest.get("metadata") or {})
    found += _misspelled("", manifest)
    found += _numbers(spec)
    found += _choices("spec", spec)
    found += _volumes(spec)
    found += _containers(spec)
    found += _host_ports(spec)
    return found


# -- metadata ------------------------------------------------------------------------------------------------------


def _metadata(metadata: Json) -> Iterator[Problem]:
    yield from _name("metadata.name", metadata.get("name"), _SUBDOMAIN, 253)
    yield from _name("metadata.namespace", metadata.get("namespace"), _LABEL, 63)
    for key, value in (metadata.get("labels") or {}).items():
        yield from _qualified(f"metadata.labels[{key!r}]", key)
        yield from _label_value(f"metadata.labels[{key!r}]", value)
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from _qualified(f"metadata.annotations[{key!r}]", key.lower())
    yield from _texts("metadata.annotations", annotations)
    size = sum(len(str(key)) + len(str(value)) for key, value in annotations.items())
    if size > 256 * 1024:
        yield at("metadata.annotations", f"are {size} bytes, over the limit of 262144", "keep large texts elsewhere")


def _label_value(path: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield at(path, f"must be a text, not {type(value).__name__}", "write it in quotes")
    elif value and not _open(value) and (len(value) > 63 or not _QUALIFIED.match(value)):
        hint = "letters, digits, '-', '_' and '.', at most 63, beginning and ending with a letter or digit"
        yield at(path, f"{value!r} is no label value", hint)


def _qualified(path: str, key: str) -> Iterator[Problem]:
    prefix, slash, name = key.rpartition("/")
    fits = (
        len(name) <= 63 and _QUALIFIED.match(name) and (not slash or (len(prefix) <= 253 and _SUBDOMAIN.match(prefix)))
    )
    if not fits and not _open(key):
        yield at(path, f"{key!r} is no valid key", "an optional DNS name and '/', then letters, digits, '-', '_', '.'")


def _name(path: str, value: Any, form: re.Pattern[str], longest: int) -> Iterator[Problem]:
    if not value:
        yield at(path, "is missing")
    elif not isinstance(value, str):
        yield at(path, f"must be a text, not {type(value).__name__}")
    elif not _open(value) and (len(value) > longest or not form.match(value)):
        hint = f"lower case letters, digits and '-', at most {longest}, beginning and ending with a letter or digit"
        yield at(path, f"{value!r} is no valid name", hint)


# -- spec ----------------------------------------------------------------------------------------------------------


def _numbers(spec: Json) -> Iterator[Problem]:
    for name, least in (("activeDeadlineSeconds", 1), ("terminationGracePeriodSeconds", 0)):
        value = spec.get(name)
        if value is None or (isinstance(value, str) and _open(value)):
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            yield at(f"spec.{name}", f"must be a whole number of at least {least}, not {value!r}")
    yield from _texts("spec.nodeSelector", spec.get("nodeSelector"))
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            yield from _name(f"spec.{name}", spec[name], _LABEL, 63)


def _texts(path: str, given: Any) -> Iterator[Problem]:
    """Numbers and truth values where the API has texts only: it does not read one as the other."""
    if isinstance(given, (list, Mapping)):
        pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
        for key, value in pairs:
            if not isinstance(value, str):
                yield at(f"{path}[{key!r}]", f"must be a text, not {value!r}", "write it in quotes")


def _choices(path: str, fields: Json) -> Iterator[Problem]:
    for name, choices in _CHOICES.items():
        value = fields.get(name)
        if value is not None and value not in choices and not _open(str(value)):
            yield at(f"{path}.{name}", f"{value!r} is none of {', '.join(choices)}")


def _volumes(spec: Json) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or []):
        path = f"spec.volumes[{index}]"
        if not isinstance(volume, Mapping):
            yield at(path, f"must be an object, not {type(volume).__name__}")
            continue
        name = volume.get("name")
        yield from _name(f"{path}.name", name, _LABEL, 63)
        if name in seen:
            yield at(f"{path}.name", f"volume {name!r} is there twice", "the template may have it already")
        seen.add(str(name))
        sources = [key for key, value in volume.items() if key != "name" and value is not None]
        if len(sources) > 1:
            yield at(path, f"has more than one source: {', '.join(sorted(sources))}", "one volume, one source")


def _containers(spec: Json) -> Iterator[Problem]:
    groups = {"containers": spec.get("containers") or [], "initContainers": spec.get("initContainers") or []}
    if not groups["containers"]:
        yield at("spec.containers", "a pod needs a container")
    volumes = {volume.get("name") for volume in spec.get("volumes") or [] if isinstance(volume, Mapping)}
    seen: set[str] = set()
    for group, containers in groups.items():
        for index, container in enumerate(containers):
            path = f"spec.{group}[{index}]"
            if not isinstance(container, Mapping):
                yield at(path, f"must be an object, not {type(container).__name__}")
                continue
            name = container.get("name")
            if name in seen:
                yield at(f"{path}.name", f"container {name!r} is there twice")
            seen.add(str(name))
            yield from _container(path, container, volumes)


def _container(path: str, container: Json, volumes: set[Any]) -> Iterator[Problem]:
    yield from _name(f"{path}.name", container.get("name"), _LABEL, 63)
    image = container.get("image")
    if not image:
        yield lacking(f"{path}.image", "is missing", "give image=..., or a template that has one")
    elif not isinstance(image, str) or (not _open(image) and (image != image.strip() or " " in image)):
        yield at(f"{path}.image", f"{image!r} is no image")
    yield from _choices(path, container)
    for name in ("command", "args"):
        yield from _texts(f"{path}.{name}", container.get(name))
    yield from _env(path, container.get("env") or [])
    yield from _mounts(path, container.get("volumeMounts") or [], volumes)
    yield from _ports(path, container.get("ports") or [])
    yield from _resources(f"{path}.resources", container.get("resources") or {})


def _env(path: str, env: Iterable[Any]) -> Iterator[Problem]:
    for index, one in enumerate(env):
        here = f"{path}.env[{index}]"
        if not isinstance(one, Mapping):
            yield at(here, f"must be an object, not {type(one).__name__}")
            continue
        name = one.get("name")
        if not isinstance(name, str) or not name or "=" in name or not (name.isascii() and name.isprintable()):
            yield at(f"{here}.name", f"{name!r} is no name of an environment variable")
        if not isinstance(one.get("value", ""), str | None):
            yield at(f"{here}.value", f"of {name!r} must be a text, not {one['value']!r}", "write it in quotes")
        source = one.get("valueFrom")
        if source and one.get("value"):
            yield at(here, f"variable {name!r} has both a value and a valueFrom", "one of them")
        if isinstance(source, Mapping) and len([key for key in source if source[key] is not None]) != 1:
            yield at(f"{here}.valueFrom", f"variable {name!r} needs exactly one source")


def _mounts(path: str, mounts: Iterable[Any], volumes: set[Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        here = f"{path}.volumeMounts[{index}]"
        if not isinstance(mount, Mapping):
            yield at(here, f"must be an object, not {type(mount).__name__}")
            continue
        name, where = mount.get("name"), str(mount.get("mountPath") or "")
        if name not in volumes and not _open(str(name)):
            hint = f"the pod has: {', '.join(sorted(map(str, volumes))) or 'none'}"
            yield lacking(f"{here}.name", f"there is no volume {name!r}", hint)
        if not where:
            yield at(f"{here}.mountPath", "is missing")
        elif where in seen:
            hint = "/airflow/xcom is taken by do_xcom_push=True" if where == "/airflow/xcom" else ""
            yield at(f"{here}.mountPath", f"{where!r} is mounted twice", hint)
        elif ":" in where:
            yield at(f"{here}.mountPath", f"{where!r} must not hold ':'")
        seen.add(where)
        below = str(mount.get("subPath") or "")
        if below.startswith("/") or ".." in below.split("/"):
            yield at(f"{here}.subPath", f"{below!r} must stay inside the volume")


def _ports(path: str, ports: Iterable[Any]) -> Iterator[Problem]:
    for index, port in enumerate(ports):
        here = f"{path}.ports[{index}]"
        number = port.get("containerPort") if isinstance(port, Mapping) else None
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 65536:
            yield at(f"{here}.containerPort", f"must be 1 to 65535, not {number!r}")
        name = port.get("name") if isinstance(port, Mapping) else None
        if name and (len(name) > 15 or not _PORT_NAME.match(name)):
            yield at(f"{here}.name", f"{name!r} is no port name", "at most 15 of lower case letters, digits and '-'")


_HOST_PORT = "the template may have it already; with hostNetwork each port of a container is one of the node"


def _host_ports(spec: Json) -> Iterator[Problem]:
    """A port of the node belongs to one container; in the node's network each port is one of the node."""
    seen: set[tuple[Any, ...]] = set()
    for index, container in enumerate(spec.get("containers") or []):
        for number, port in enumerate((container.get("ports") or []) if isinstance(container, Mapping) else []):
            if not isinstance(port, Mapping):
                continue
            taken = port.get("hostPort") or (port.get("containerPort") if spec.get("hostNetwork") else None)
            key = (taken, port.get("protocol") or "TCP", port.get("hostIP") or "")
            if taken and key in seen:
                here = f"spec.containers[{index}].ports[{number}].hostPort"
                yield at(here, f"port {taken} of the node is taken twice", _HOST_PORT)
            seen.add(key)


def _resources(path: str, resources: Any) -> Iterator[Problem]:
    if not isinstance(resources, Mapping):
        yield at(path, f"must be an object, not {type(resources).__name__}")
        return
    limits, requests = (_quantities(resources.get(kind)) for kind in ("limits", "requests"))
    for kind in ("limits", "requests"):
        for name, value in (resources.get(kind) or {}).items():
            if value is None or (isinstance(value, str) and _open(value)):
                continue
            try:
                if quantity.parse(value) < 0:
                    yield at(f"{path}.{kind}.{name}", f"{value!r} is negative")
            except quantity.BadQuantity as error:
                yield at(f"{path}.{kind}.{name}", str(error), "like '500m', '0.5', '512Mi' or '2Gi'")
    for name in requests.keys() & limits.keys():
        if requests[name] > limits[name]:
            said = f"{resources['requests'][name]!r} is more than the limit of {resources['limits'][name]!r}"
            yield at(f"{path}.requests.{name}", said)


def _quantities(given: Any) -> dict[str, Decimal]:
    read = {name: quantity.find(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    return {name: number for name, number in read.items() if number is not None}


# -- spelling ------------------------------------------------------------------------------------------------------


def _misspelled(path: str, value: Any) -> Iterator[Problem]:
    """Names as the Python client spells them: the API drops what it does not know without a word."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{path}.{key}" if path else str(key)
            if isinstance(key, str) and "_" in key.strip("_"):
                head, *rest = key.split("_")
                yield at(here, "the API knows no such field", f"is {head + ''.join(map(str.title, rest))!r} meant?")
            if key not in _PLAIN_MAPS:
                yield from _misspelled(here, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misspelled(f"{path}[{index}]", item)


def _open(text: str) -> bool:
    return "{{" in text or "{%" in text
