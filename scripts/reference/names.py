"""What names mean over all of the package: parameters, base classes, constants, where an import comes from.

By name and module only, as a reader of the source would: nothing is imported, and what is computed is not known.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclasses.dataclass(frozen=True)
class Carrier:
    """A function that hands the code or the message of its caller on, and what it adds by itself."""

    code: str
    by: str
    message: str
    hint: str


@dataclasses.dataclass(frozen=True)
class Names:
    """What names mean over the whole package."""

    parameters: dict[str, list[str]]
    """`module:function`, `Class` (its constructor) or `Class.method` → parameters in order."""
    bases: dict[str, list[str]]
    codes: dict[str, str]
    """Class → the code that it has as an attribute."""
    returned: dict[str, tuple[Function, str]]
    """Functions by name, with their module, whose result is unpacked into code, message, hint."""
    carriers: dict[str, Carrier]
    """Those functions and constructors that tell what their caller gives them."""
    origins: dict[str, str]
    """`module:name` → `module:name`, for what is imported by name."""
    constants: dict[str, ast.expr]
    """`module:NAME` → the text that it stands for."""
    tails: dict[str, list[str]]
    """The last part of a module with a function or constant of it → those keys of `parameters` and `constants`."""

    def line(self, name: str) -> Iterator[str]:
        """A class and those that it derives from."""
        yield name
        for base in self.bases.get(name, ()):
            yield from self.line(base)

    def find_code(self, name: str) -> str:
        """The code of a class; "" where it has none."""
        return next((self.codes[one] for one in self.line(name) if one in self.codes), "")

    def find(self, func: ast.expr, around: str, module: str) -> str:
        """What is called, as a key of `parameters`; "" where it is not ours or not known."""
        name = last(func)
        owner = last(func.value) if isinstance(func, ast.Attribute) else ""
        owner = around if owner in ("self", "cls", "super") else owner
        if owner in self.bases:
            candidates = [f"{one}.{name}" for one in self.line(owner)]
            candidates += list(self.line(owner)) if name == "__init__" else []
        elif name in self.bases:
            candidates = list(self.line(name))
        else:
            candidates = self._functions(name, owner, module)
        return next((one for one in candidates if one in self.parameters), "")

    def _functions(self, name: str, owner: str, module: str) -> list[str]:
        """A function of the module that the call names, of the caller's, or of the one that it is imported from."""
        if owner:
            return self.tails.get(f"{owner}:{name}", [])
        own = f"{module}:{name}"
        return [own, self.origins.get(own, "")]

    def find_constant(self, node: ast.expr, module: str) -> ast.expr | None:
        """What a module's constant stands for; None where the expression names none."""
        own = f"{module}:{last(node)}"
        if isinstance(node, ast.Name):
            return self.constants.get(own) or self.constants.get(self.origins.get(own, ""))
        if isinstance(node, ast.Attribute):
            found = self.tails.get(f"{last(node.value)}:{node.attr}", [])
            return next((self.constants[one] for one in found if one in self.constants), None)
        return None


def read(trees: dict[str, ast.Module]) -> Names:
    """All of the sources: module → its tree."""
    names = Names(parameters={}, bases={}, codes={}, returned={}, carriers={}, origins={}, constants={}, tails={})
    functions: dict[str, tuple[Function, str]] = {}
    wanted: set[str] = set()
    for module, node in ((module, node) for module, tree in trees.items() for node in _modules(tree)):
        match node:
            case ast.ClassDef():
                names.bases.setdefault(node.name, []).extend(last(base) for base in node.bases)
                _read_class(node, names)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                functions[node.name] = node, module
                names.parameters[f"{module}:{node.name}"] = _parameters(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() | ast.BinOp() as value) if name.isupper():
                names.constants[f"{module}:{name}"] = value
            case ast.ImportFrom(module=str(source), names=imported):
                names.origins.update({f"{module}:{one.asname or one.name}": f"{source}:{one.name}" for one in imported})
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Call() as call):
                wanted.add(last(call.func))
            case _:
                pass
    for key in (*names.parameters, *names.constants):
        names.tails.setdefault(key.rpartition(".")[2], []).append(key)
    names.returned.update({name: functions[name] for name in wanted if name in functions})
    return names


def _modules(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything of a module except what stands in classes, whose methods `_read_class` takes."""
    for top in tree.body:
        if isinstance(top, ast.ClassDef):
            yield top
            yield from (node for node in ast.walk(top) if isinstance(node, ast.Assign))
        else:
            yield from ast.walk(top)


def _read_class(node: ast.ClassDef, names: Names) -> None:
    for one in node.body:
        match one:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names.parameters[node.name if one.name == "__init__" else f"{node.name}.{one.name}"] = _parameters(one)
            case (
                ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code)))
                | ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant(value=str(code)))
            ) if code:
                names.codes[node.name] = code
            case _:
                pass


def _parameters(node: Function) -> list[str]:
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    own = names[1:] if names[:1] in (["self"], ["cls"]) else names
    return [*own, *(one.arg for one in node.args.kwonlyargs)]


def last(node: ast.expr) -> str:
    """The last name of `a.b.c`, of a call of it, or of one of its items; "" where there is none."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return last(func)
        case ast.Subscript(value=value):
            return last(value)
        case _:
            return ""
