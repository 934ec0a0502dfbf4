"""What stands for `ObjectStoragePath` where its libraries are not installed: a class that nothing can be made of."""

from __future__ import annotations

from typing import Any, NoReturn

from tradewind.model.problem import Problem

LIBRARIES = ("fsspec", "upath", "pathlib_abc")
HINT = "install 'tradewind[storage]', or fsspec and universal-pathlib, where the file is loaded"


class StorageLibraryMissing(ModuleNotFoundError):
    """A library that paths in object stores need is not installed."""

    def __init__(self, library: str) -> None:
        message = f"paths in object stores need {library}, which is not installed"
        super().__init__(f"{message}\nhint: {HINT}", name=library)
        self.problem = Problem(code="storage-library-missing", message=message, hint=HINT)


def is_about(error: ImportError) -> bool:
    """Whether one of the libraries is what could not be imported, or one too old for what is asked of it."""
    return (error.name or "").partition(".")[0] in LIBRARIES


class _Refusing(type):
    """Whatever is asked of the class itself is refused, too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        refuse()


class ObjectStoragePath(metaclass=_Refusing):
    """Can be named; making one is an error."""

    def __init__(self, *_: Any, **__: Any) -> None:
        refuse()


def refuse() -> NoReturn:
    """Raise the error that names the library."""
    raise StorageLibraryMissing("universal-pathlib")
