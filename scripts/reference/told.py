"""What the sources can tell as an error: each place that names a stable code. Sources are read, not run.

A code is told by a call that is given one (`errors.Rejected(…, code="x")`, `Problem(code="x")`, any function of ours
with a parameter `code`), by a call of a class that has one as its attribute, and by a function whose result is unpacked
into `code, message, hint`. What is computed inside a text is shown by its name in braces.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.reference import names

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradewind"
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_UNKNOWN = "{…}"


@dataclasses.dataclass(frozen=True, order=True)
class Told:
    """One place: the code, what carries it, message and hint as templates, the module."""

    code: str
    by: str
    message: str
    hint: str
    module: str


def collect(package: Path = PACKAGE) -> list[Told]:
    """Every place of the package, ordered. The in-memory implementations for tests say what the real ones say."""
    trees = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for path in sorted(package.rglob("*.py"))
        if "testing" not in path.relative_to(package).parts
    }
    known = names.read(trees)
    places = [
        (module, call, _Scope(known, module, around, function, call))
        for module, tree in trees.items()
        for around, function, call in _calls(tree)
    ]
    # What hands a message on is known only when all calls were looked at once.
    for _, call, scope in places:
        known.carriers.update(_handed_on(call, scope))
    found = {dataclasses.replace(one, module=module) for module, call, scope in places for one in _told(call, scope)}
    return sorted(found | set(_returned(known)))


@dataclasses.dataclass(frozen=True)
class _Scope:
    """Where a call stands: in which class and function."""

    known: names.Names
    module: str
    around: str
    function: ast.AST
    place: ast.AST

    @property
    def key(self) -> str:
        """The function as a key of `names.Names.parameters`."""
        name = getattr(self.function, "name", "")
        if self.around:
            return self.around if name == "__init__" else f"{self.around}.{name}"
        return f"{self.module}:{name}"

    def values(self, name: str) -> list[ast.expr]:
        """What a name can hold there: the last assignment that surely came before, and later ones in branches."""
        before = [
            (node, blocks)
            for node, blocks in _with_blocks(self.function, ())
            if isinstance(node, ast.Assign) and node.lineno < getattr(self.place, "lineno", 0)
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ]
        own = next((blocks for node, blocks in _with_blocks(self.function, ()) if node is self.place), ())
        found: list[ast.expr] = []
        for node, blocks in reversed(before):
            found.insert(0, node.value)
            if blocks == own[: len(blocks)]:
                break
        return found


def _with_blocks(
    node: ast.AST, blocks: tuple[tuple[int, str], ...]
) -> Iterator[tuple[ast.AST, tuple[tuple[int, str], ...]]]:
    """Everything below, with the blocks (a statement and which of its bodies) that each stands in."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                is_block = isinstance(value, list) and isinstance(child, ast.stmt | ast.ExceptHandler)
                inner = (*blocks, (id(node), field)) if is_block else blocks
                yield child, inner
                yield from _with_blocks(child, inner)


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.AST, ast.Call]]:
    """Class, outermost function (else the module), and each call in it."""

    def below(node: ast.AST, around: str, function: ast.AST | None) -> Iterator[tuple[str, ast.AST, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from below(child, child.name, function)
                continue
            inner = function or (child if isinstance(child, names.Function) else None)
            if isinstance(child, ast.Call):
                yield around, inner or tree, child
            yield from below(child, around, inner)

    return below(tree, "", None)


def _given(call: ast.Call, scope: _Scope) -> tuple[str, dict[str, ast.expr]]:
    """What is called, and its arguments by name."""
    key = scope.known.find(call.func, scope.around, scope.module)
    given = dict(zip(scope.known.parameters.get(key, []), call.args, strict=False))
    given.update({one.arg: one.value for one in call.keywords if one.arg})
    return key, given


def _by(call: ast.Call, scope: _Scope) -> str:
    """The class that carries what a call tells."""
    name = names.last(call.func)
    if name == "of" and isinstance(call.func, ast.Attribute):
        name = names.last(call.func.value)
    return scope.around if name in ("__init__", "cls") else name


def _message(given: dict[str, ast.expr]) -> ast.expr | None:
    return given.get("message") or given.get("reason") or given.get("why")


def _handed_on(call: ast.Call, scope: _Scope) -> Iterator[tuple[str, names.Carrier]]:
    """Where the call stands in a function that has the code or the message from its caller: that function."""
    _, given = _given(call, scope)
    own = scope.known.parameters.get(scope.key, [])
    code, message, hint = given.get("code"), _message(given), given.get("hint")
    if code is None or not any(isinstance(one, ast.Name) and one.id in own for one in (code, message)):
        return
    texts = ["" if isinstance(one, ast.Name) and one.id in own else _text(one, scope) for one in (message, hint)]
    codes = [] if isinstance(code, ast.Name) and code.id in own else _codes(code, scope)
    yield scope.key, names.Carrier(codes[0] if codes else "", _by(call, scope), *texts)


def _told(call: ast.Call, scope: _Scope) -> Iterator[Told]:
    key, given = _given(call, scope)
    own = scope.known.parameters.get(scope.key, [])
    passed = [one.id for one in (given.get("code"), _message(given)) if isinstance(one, ast.Name)]
    if scope.key in scope.known.carriers and set(passed) & set(own):
        return
    carrier = scope.known.carriers.get(key) or names.Carrier(
        scope.known.find_code(_by(call, scope)), _by(call, scope), "", ""
    )
    by = _by(call, scope) if _by(call, scope) in scope.known.bases else carrier.by
    codes = _codes(given["code"], scope) if "code" in given else [carrier.code]
    if not any(codes):
        return
    message = _text(_message(given), scope) or carrier.message
    hint = _text(given.get("hint"), scope) or carrier.hint
    for code in codes:
        if code and (message or hint):
            yield Told(code, by, message, hint, "")


def _returned(known: names.Names) -> Iterator[Told]:
    for function, module in known.returned.values():
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 3:
                code, message, hint = node.value.elts
                scope = _Scope(known, module, "", function, node)
                for one in _codes(code, scope):
                    yield Told(one, "Problem", _text(message, scope), _text(hint, scope), module)


def _codes(node: ast.expr, scope: _Scope) -> list[str]:
    """The codes that an expression can be."""
    match node:
        case ast.Constant(value=str(text)) if _CODE.fullmatch(text):
            return [text]
        case ast.BoolOp(values=values):
            return [code for value in values for code in _codes(value, scope)]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_codes(body, scope), *_codes(orelse, scope)]
        case ast.Name(id=name):
            return [code for value in scope.values(name) for code in _codes(value, scope)]
        case _:
            return []


def _text(node: ast.expr | None, scope: _Scope, depth: int = 0) -> str:
    """The text that an expression gives, with names in braces for what is computed."""
    match node:
        case None:
            return ""
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=int() | float() as number):
            return f"{number:,}"
        case ast.JoinedStr(values=values):
            return "".join(_text(value, scope, depth) for value in values)
        case ast.FormattedValue(value=value):
            constant = scope.known.find_constant(value, scope.module)
            return _hole(value) if constant is None else _text(constant, scope, depth)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, scope, depth) + _text(right, scope, depth)
        case ast.IfExp(body=body, orelse=orelse):
            return " | ".join(filter(None, (_text(body, scope, depth), _text(orelse, scope, depth))))
        case ast.BoolOp(values=values):
            return " | ".join(filter(None, (_text(value, scope, depth) for value in values)))
        case ast.Name(id=name) if depth < 3 and (values := scope.values(name)):
            return " | ".join(dict.fromkeys(filter(None, (_text(value, scope, depth + 1) for value in values))))
        case ast.Name() | ast.Attribute() if (constant := scope.known.find_constant(node, scope.module)) is not None:
            return _text(constant, scope, depth + 1)
        case _:
            return _hole(node)


def _hole(node: ast.expr) -> str:
    name = names.last(node)
    return f"{{{name.strip('_')}}}" if name and not isinstance(node, ast.Call) else _UNKNOWN
