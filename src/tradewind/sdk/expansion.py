"""What a task or group is mapped over: `expand(...)`, `expand_kwargs(...)`, lengths of both, one element of both.

A mapped attempt reads its own element: lists are sliced where they are kept, never pulled whole to take one item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Union

from tradewind.model import dagspec
from tradewind.sdk import errors
from tradewind.sdk.resolving import ResolveMixin


class DictOfListsExpandInput(ResolveMixin):
    """`expand(a=[...], b=[...])`: the product of all, the last argument changing fastest."""

    EXPAND_INPUT_TYPE = "dict-of-lists"

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Tasks whose results are mapped over."""
        for value in self.value.values():
            if isinstance(value, ResolveMixin):
                yield from value.iter_references()

    def mapping(self) -> dagspec.Mapping:
        """The lengths, as data."""
        lengths = tuple((name, length_of(value)) for name, value in self.value.items())
        return dagspec.Mapping(kind="expand", arguments=lengths)

    def resolve_at(self, context: Mapping[str, Any], index: int) -> dict[str, Any]:
        """Arguments of the element `index`."""
        found: dict[str, Any] = {}
        for name in reversed(list(self.value)):
            value = self.value[name]
            length = count_of(value, context)
            if length < 1:
                raise errors.AirflowFailException(
                    f"argument {name!r} is mapped over nothing, there is no element {index}"
                )
            index, place = divmod(index, length)
            found[name] = element_of(value, context, place)
        return {name: found[name] for name in self.value}

    def resolve(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return self.resolve_at(context, own_index(context))


class ListOfDictsExpandInput(ResolveMixin):
    """`expand_kwargs([...])`: one element per dict."""

    EXPAND_INPUT_TYPE = "list-of-dicts"

    def __init__(self, value: Any) -> None:
        self.value = value

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Tasks whose results are mapped over."""
        parts: Iterable[Any] = [self.value] if isinstance(self.value, ResolveMixin) else self.value
        for part in parts:
            if isinstance(part, ResolveMixin):
                yield from part.iter_references()
            elif isinstance(part, Mapping):
                for value in part.values():
                    if isinstance(value, ResolveMixin):
                        yield from value.iter_references()

    def mapping(self) -> dagspec.Mapping:
        """The length, as data."""
        return dagspec.Mapping(kind="expand_kwargs", arguments=(("", length_of(self.value)),))

    def resolve_at(self, context: Mapping[str, Any], index: int) -> dict[str, Any]:
        """Arguments of the element `index`."""
        found = element_of(self.value, context, index)
        if isinstance(found, ResolveMixin):
            found = found.resolve(context)
        if not isinstance(found, Mapping):
            said = f"expand_kwargs() needs a list of dicts, but element {index} is {_kind(found)}"
            raise ValueError(said)  # noqa: TRY004 - Airflow's class
        for key in found:
            if not isinstance(key, str):
                said = f"expand_kwargs() needs dicts whose keys are texts, but {key!r} is {_kind(key)}"
                raise ValueError(said)  # noqa: TRY004 - Airflow's class
        return dict(found)

    def resolve(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return self.resolve_at(context, own_index(context))


ExpandInput = Union[DictOfListsExpandInput, ListOfDictsExpandInput]


class MappedArgument(ResolveMixin):
    """What a mapped group's function gets for an argument: the element, once it runs."""

    def __init__(self, expand_input: ExpandInput, key: str) -> None:
        if isinstance(expand_input, DictOfListsExpandInput):
            nested = [name for name, value in expand_input.value.items() if isinstance(value, MappedArgument)]
            if nested:
                said = f"argument {nested[0]!r} is an argument of the mapped group around it"
                hint = "Airflow has no mapped groups inside mapped groups either; build the product before and map once"
                raise errors.ValueProblem.of("nested-mapping", "a mapped task group", said, hint)
        self.expand_input = expand_input
        self.key = key

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Tasks whose results the group is mapped over."""
        yield from self.expand_input.iter_references()

    def resolve(self, context: Mapping[str, Any]) -> Any:
        return self.expand_input.resolve(context)[self.key]

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"argument {self.key!r} of a mapped task group is known only when the group runs; pass it to a task"
        )


def is_mappable(value: Any) -> bool:
    """Whether a value can be mapped over."""
    return isinstance(value, (ResolveMixin, Mapping, Sequence)) and not isinstance(value, (str, bytes, bytearray))


def check_expand(about: str, arguments: Mapping[str, Any]) -> None:
    """Refuse what cannot be mapped over."""
    if not arguments:
        raise errors.ArgumentProblem.of(
            "nothing-to-map", about, "expand() was called without arguments", "name one argument with a list"
        )
    for name, value in arguments.items():
        if not is_mappable(value):
            said = f"expand() got {_kind(value)} for {name!r}, which cannot be mapped over"
            hint = "give a list, a dict or another task's result; what is the same for all elements goes to partial()"
            raise errors.ValueProblem.of("not-mappable", about, said, hint)
        check_keys(value)


def check_expand_kwargs(about: str, value: Any) -> None:
    """Refuse what is neither a list of dicts nor another task's result."""
    fits = isinstance(value, ResolveMixin) or (
        isinstance(value, Sequence)
        and not isinstance(value, (str, bytes))
        and all(isinstance(item, (ResolveMixin, Mapping)) for item in value)
    )
    if not fits:
        said = f"expand_kwargs() needs a list of dicts or another task's result, got {_kind(value)}"
        raise errors.ArgumentProblem.of("not-mappable", about, said, "give one dict of arguments per element")
    check_keys(value)


def check_keys(value: Any) -> None:
    """Refuse to map over an XCom with a key of its own."""
    if isinstance(value, ResolveMixin):
        for operator, key in value.iter_references():
            if key != "return_value":
                said = f"cannot map over the XCom {key!r}; only over what the task returns"
                hint = "let the task return the list, or take the part out with .map(...)"
                raise errors.ValueProblem.of("mapped-key", f"task {operator.task_id!r}", said, hint)
    elif isinstance(value, Mapping):
        for item in value.values():
            check_keys(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            check_keys(item)


def length_of(value: Any) -> dagspec.Length:
    """Length of a value, as data."""
    if isinstance(value, ResolveMixin):
        return value.length()
    return dagspec.ConstLength(n=len(value))


def count_of(value: Any, context: Mapping[str, Any]) -> int:
    """Length of a value, now."""
    return value.count(context) if isinstance(value, ResolveMixin) else len(value)


def element_of(value: Any, context: Mapping[str, Any], index: int) -> Any:
    """One element of a value; of a dict the pair at that place."""
    if isinstance(value, ResolveMixin):
        return value.resolve_element(context, index)
    return item_at(value, index)


def item_at(value: Any, index: int) -> Any:
    """One item of a list, or the pair at that place of a dict."""
    if isinstance(value, Mapping):
        return list(value.items())[index]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return value[index]
    raise errors.UnmappableXComTypePushed(f"cannot map over {_kind(value)}; a list or a dict is needed")


def own_index(context: Mapping[str, Any]) -> int:
    """Map index of the task that runs."""
    index = context["ti"].map_index
    if index is None or index < 0:
        raise RuntimeError("an argument of a mapping is known only inside a mapped task")
    return int(index)


def _kind(value: Any) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
