"""What paths in object stores do: run by Airflow's interpreter and by ours with Airflow's names on its path.

usage: oracle_storage.py FOLDER [attached]      prints one JSON object: by case, what came out or what was raised
"""

from __future__ import annotations

import copy
import json
import operator
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach, get_fs, has_fs
from fsspec.implementations.memory import MemoryFileSystem

CASES: dict[str, Callable[[str], Any]] = {}
_TEXTS = (
    "/a/b/c.txt", "a/b.txt", "file:///a/b/c.txt", "file:///a/b/", "file:///", "memory://bucket/x/y.tar.gz",
    "memory://bucket/x/", "memory://bucket", "memory:///x", "file://conn@/a/b", "memory://conn@bucket/a/b",
    "memory://conn:word@bucket/a", "memory://@bucket/a", "local:///a/b", "memory://bucket/a b/ü", "memory://bucket/a#b?c=d",
    "memory://bucket/{{ ds }}/x", "file:///a/../b", "memory://bucket/a/../b",
)  # fmt: skip
_READ: dict[str, Callable[[Any], Any]] = {
    **{
        name: operator.attrgetter(name)
        for name in (
            "protocol", "conn_id", "bucket", "container", "key", "namespace", "path", "name", "stem", "suffix",
            "suffixes", "parts", "parent", "anchor", "root", "drive",
        )
    },
    "str": str,
    "hash": lambda path: hash(path) == hash(str(path)),
    "parents": lambda path: [str(one) for one in path.parents],
    "joined": lambda path: path / "more" / "z.csv",
    "joinpath": lambda path: path.joinpath("more", "z.csv"),
    "with_name": lambda path: path.with_name("other"),
    "with_suffix": lambda path: path.with_suffix(".x"),
    "with_stem": lambda path: path.with_stem("x"),
    "with_segments": lambda path: path.with_segments("/q"),
    "connection of what is joined": lambda path: (path / "z").conn_id,
    "is_absolute": lambda path: path.is_absolute(),
    "relative": lambda path: path.relative_to(path.parent),
    "is_relative_to": lambda path: path.is_relative_to(path.parent),
    "match": lambda path: path.match("*.txt"),
    "as_uri": lambda path: path.as_uri(),
    "as_posix": lambda path: path.as_posix(),
    "equal to itself made anew": lambda path: path == type(path)(str(path)),
    "equal to its text": lambda path: path == str(path),
    "serialized": lambda path: path.serialize(),
    "there and back": lambda path: type(path).deserialize(path.serialize(), 1),
    "a newer version": lambda path: type(path).deserialize(path.serialize(), 2),
    "of itself": lambda path: (type(path)(path), type(path)(path).conn_id),
    "with another connection": lambda path: type(path)(str(path), conn_id="other"),
    "of itself with another connection": lambda path: type(path)(path, conn_id="other").conn_id,
    "with a protocol": lambda path: type(path)(path.path, protocol=path.protocol or None),
    "with options": lambda path: type(path)(str(path), auto_mkdir=True).serialize(),
    "samestore": lambda path: (path.samestore(path / "x"), path.samestore(str(path))),
    "copied": lambda path: copy.copy(path) == path,
    "resolve": lambda path: path.resolve() if path.is_absolute() else None,
    "repr begins": lambda path: repr(path).partition("(")[0],
}  # fmt: skip


def case(name: str) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    """Keep a function as a case; it is given a base that is empty: a folder's URL, or one of the memory's."""

    def keep(function: Callable[[str], Any]) -> Callable[[str], Any]:
        CASES[name] = function
        return function

    return keep


def _tree(base: str) -> Any:
    root = ObjectStoragePath(base)
    for name in ("a.txt", "b/c.txt", "b/d/e.csv"):
        one = root / name
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text(name)
    return root


def _below(root: Any) -> list[str]:
    return sorted(str(one)[len(str(root)) :] for one in root.rglob("*"))


@case("write and read texts")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "x.txt"
    return path.write_text("grüße\nzwei"), path.read_text(), path.read_bytes(), path.size(), path.read_block(2, 3)


@case("write and read bytes")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "x.bin"
    return path.write_bytes(b"\x00\xff"), path.read_bytes(), path.exists(), path.is_file(), path.is_dir()


@case("open to write, append, read, go through lines")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "x.txt"
    with path.open("w") as file:
        file.write("one\n")
    with path.open("a") as file:
        file.write("two\n")
    with path.open() as file:
        lines = list(file)
    with path.open("rb") as file:
        return lines, file.read(), file.read()


@case("open what is not there")
def _(base: str) -> Any:
    return (ObjectStoragePath(base) / "none").open()


@case("read what is not there")
def _(base: str) -> Any:
    return (ObjectStoragePath(base) / "none").read_text()


@case("stat")
def _(base: str) -> Any:
    found = _tree(base)
    file, folder = (found / "a.txt").stat(), (found / "b").stat()
    return (
        file.st_size, file["size"], file["protocol"], file["conn_id"], file["type"], folder["type"], file.st_dev,
        file.st_mode & 0o170000, folder.st_mode & 0o170000, file.st_nlink, type(file.st_mtime).__name__,
        type(file).__name__,
    )  # fmt: skip


@case("stat of what is not there")
def _(base: str) -> Any:
    return (ObjectStoragePath(base) / "none").stat()


@case("kinds")
def _(base: str) -> Any:
    root = _tree(base)
    return [
        (one.exists(), one.is_file(), one.is_dir(), one.is_symlink()) for one in (root, root / "a.txt", root / "no")
    ]


@case("iterdir")
def _(base: str) -> Any:
    return sorted(one.name for one in _tree(base).iterdir())


@case("glob")
def _(base: str) -> Any:
    root = _tree(base)
    return [sorted(one.name for one in root.glob(pattern)) for pattern in ("*", "*.txt", "**/*.txt", "b/*")], _below(
        root
    )


@case("walk")
def _(base: str) -> Any:
    return [(one.name, sorted(folders), sorted(files)) for one, folders, files in _tree(base).walk()][1:]


@case("connections of what is listed")
def _(base: str) -> Any:
    return {one.conn_id for one in _tree(base).iterdir()}, {type(one).__name__ for one in _tree(base).glob("*")}


@case("mkdir")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "new"
    path.mkdir()
    return path.is_dir(), path.mkdir(exist_ok=True)


@case("mkdir twice")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "new"
    path.mkdir()
    path.mkdir()


@case("mkdir without its parent")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "no" / "new"
    path.mkdir()
    return path.exists()


@case("touch")
def _(base: str) -> Any:
    path = ObjectStoragePath(base) / "x"
    path.touch()
    path.touch()
    return path.size(), path.touch(exist_ok=False)


@case("unlink")
def _(base: str) -> Any:
    path = _tree(base) / "a.txt"
    path.unlink()
    return path.exists(), path.unlink(missing_ok=True), path.unlink()


@case("rmdir")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "b").rmdir(recursive=True)
    return _below(root)


@case("rename")
def _(base: str) -> Any:
    root = _tree(base)
    new = (root / "a.txt").rename(root / "z.txt")
    return type(new).__name__, new.name, _below(root)


@case("replace")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "a.txt").replace(root / "b/c.txt")
    return (root / "b/c.txt").read_text(), _below(root)


@case("copy a file within its store")
def _(base: str) -> Any:
    root = _tree(base)
    return (root / "a.txt").copy(root / "copied.txt"), (root / "copied.txt").read_text()


@case("copy to a text")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "a.txt").copy(f"{root}/copied.txt")
    return _below(root)


@case("copy a folder within its store")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "b").copy(root / "q", recursive=True)
    return _below(root)


@case("copy what is not there")
def _(base: str) -> Any:
    (ObjectStoragePath(base) / "none").copy(ObjectStoragePath(base) / "x")


@case("copy_into")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "a.txt").copy_into(root / "b")
    (root / "a.txt").copy_into(f"{root}/b/d")
    return _below(root)


@case("copy_into what is no folder")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "a.txt").copy_into(root / "b/c.txt")


@case("move")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "a.txt").move(root / "moved.txt")
    return _below(root)


@case("move_into")
def _(base: str) -> Any:
    root = _tree(base)
    (root / "a.txt").move_into(root / "b")
    return _below(root)


@case("copy to the other store")
def _(base: str) -> Any:
    root, other = _tree(base), ObjectStoragePath(_other(base))
    (root / "a.txt").copy(other / "got.txt")
    (root / "b").copy(other / "folder", recursive=True)
    return _below(other)


@case("move to the other store")
def _(base: str) -> Any:
    root, other = _tree(base), ObjectStoragePath(_other(base))
    other.mkdir(parents=True, exist_ok=True)
    (root / "a.txt").move_into(other)
    return _below(root), _below(other)


@case("between two stores, neither of them local")
def _(base: str) -> Any:
    attach("memory", "one", fs=MemoryFileSystem())
    attach("memory", "two", fs=MemoryFileSystem())
    root = ObjectStoragePath(f"memory://one@m{base.partition('://')[2]}")
    target = ObjectStoragePath(f"memory://two@n{base.partition('://')[2]}")
    for name in ("a.txt", "b/c.txt"):
        (root / name).write_text(name)
    target.mkdir(parents=True, exist_ok=True)
    (root / "a.txt").copy(target)
    (root / "b").copy(target / "deep")
    (root / "a.txt").copy(target / "named.txt")
    return sorted(str(one)[len(str(target)) :].replace(base.partition("://")[2], "BASE") for one in target.rglob("*"))


@case("samefile")
def _(base: str) -> Any:
    root = _tree(base)
    return (root / "a.txt").samefile(str(root / "a.txt")), (root / "a.txt").samefile(root / "a.txt")


@case("checksum and ukey tell a change")
def _(base: str) -> Any:
    path = _tree(base) / "a.txt"
    before = path.checksum(), path.ukey()
    path.write_text("another text")
    return type(before[0]).__name__, before[0] != path.checksum(), before[1] != path.ukey()


@case("sign")
def _(base: str) -> Any:
    return (_tree(base) / "a.txt").sign()


@case("pickled")
def _(base: str) -> Any:
    path = pickle.loads(pickle.dumps(_tree(base) / "a.txt"))
    return path.read_text(), path.protocol


@case("copied deeply")
def _(base: str) -> Any:
    return copy.deepcopy(_tree(base) / "a.txt").read_text()


@case("sorted and in a set")
def _(base: str) -> Any:
    root = ObjectStoragePath(base)
    return [one.name for one in sorted([root / "b", root / "a"])], len({root / "a", root / "a", root / "b"})


@case("file systems")
def _(base: str) -> Any:
    kinds = [type(get_fs(name)).__name__ for name in ("file", "local")]
    return (
        kinds,
        [has_fs(name) for name in ("file", "local", "memory", "s3")],
        type(get_fs("file", storage_options={"auto_mkdir": True})).__name__,
    )


@case("a file system of no scheme")
def _(base: str) -> Any:
    return get_fs("nothing")


@case("attached stores")
def _(base: str) -> Any:
    given = MemoryFileSystem()
    store = attach("memory", "given", fs=given)
    named = attach("file", alias=f"alias {base}")
    return (
        store.fs is given, str(store), store is attach("memory", "given"), attach(alias=f"alias {base}") is named,
        store == attach("memory", "given"), store.conn_id, store.protocol, named.fsid, store.serialize()["filesystem"],
        ObjectStoragePath("memory://given@b/x").fs is given,
    )  # fmt: skip


@case("an alias of nothing")
def _(base: str) -> Any:
    return attach(alias="nothing")


@case("neither protocol nor alias")
def _(base: str) -> Any:
    return attach()


@case("a connection of a scheme that nobody opens")
def _(base: str) -> Any:
    return ObjectStoragePath("memory://nobody@b/x").fs


@case("the folder of the process and the user's")
def _(base: str) -> Any:
    return (
        str(ObjectStoragePath.cwd()) == os.getcwd(), str(ObjectStoragePath.home()) == str(Path.home()),
        type(ObjectStoragePath.cwd()).__name__,
    )  # fmt: skip


def _other(base: str) -> str:
    return (
        f"memory://other{base.partition('://')[2]}"
        if base.startswith("file")
        else f"file://{sys.argv[1]}/other{base.partition('://')[2]}"
    )


def _told(function: Callable[..., Any], *given: Any) -> Any:
    try:
        return {"value": _shown(function(*given))}
    except Exception as error:  # noqa: BLE001 - whatever is raised is the answer
        return {"raised": next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")}


def _shown(value: Any) -> Any:
    if isinstance(value, ObjectStoragePath):
        return f"path {value}"
    if isinstance(value, (list, tuple)):
        return [_shown(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, dict):
        return {key: _shown(one) for key, one in value.items()}
    return value if isinstance(value, (str, int, type(None))) else repr(value)


def _all(kinds: dict[str, str]) -> dict[str, Any]:
    found = {}
    for number, (name, function) in enumerate(CASES.items()):
        for kind, place in kinds.items():
            base = f"{place}{number}"
            if base.startswith("file"):
                os.makedirs(base.partition("://")[2].removeprefix("conn@"))
            found[f"{name} ({kind})"] = _told(function, base)
    return found


def main() -> None:
    """Run everything, or the cases on stores that are attached."""
    folder = sys.argv[1]
    if sys.argv[2:] == ["attached"]:
        attach("memory", fs=MemoryFileSystem())
        found = _all({"file": f"file://{folder}/file", "memory": "memory://base"})
    else:
        found = {
            f"{text}: {name}": _told(lambda read=read, text=text: read(ObjectStoragePath(text)))
            for text in _TEXTS
            for name, read in _READ.items()
        }
        bases = {"file": f"file://{folder}/file", "memory": "memory://base", "connection": f"file://conn@{folder}/conn"}
        found |= _all(bases)
    print(json.dumps(found).replace(folder, "FOLDER"))


main()
