"""How commands take in secret values and let them out: never in the clear where nobody asked for it.

Invariants: `-` reads from stdin, without an echo from a terminal; a file that gets secrets is for its owner alone; a
terminal gets them only where the command was told so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.cli import options
from tradewind.model import masking
from tradewind.ports import errors

if TYPE_CHECKING:
    from tradewind.wiring import secret_store

HIDDEN = "***"
ACTIONS = ("overwrite", "fail", "skip")
ShowSecretsOption = Annotated[bool, typer.Option("--show-secrets", help="Passwords and tokens in the clear.")]
ActionOption = Annotated[
    str,
    typer.Option(
        "--action-on-existing-key",
        "-a",
        help="What becomes of one that is there: overwrite, fail (nothing is written), skip.",
    ),
]
FormatOption = Annotated[
    str | None, typer.Option("--file-format", "--format", help="json, yaml or env; else told by the file's suffix.")
]
FORMATS = ("json", "yaml", "env")


@asynccontextmanager
async def vault(home: options.HomeOption, settings: options.SettingsOption) -> AsyncIterator[secret_store.Vault]:
    """The vault of the home that applies; the database is read and written directly."""
    from tradewind.cli import client
    from tradewind.wiring import secret_store

    found = client.settings_of(home, settings)
    async with client.opened(home, found) as (place, store):
        yield secret_store.open_vault(place, store, found, os.environ)


def read(what: str, given: str | None, file: Path | None = None) -> str:
    """A value from the command line, from a file, or (`-`) from stdin. Raises `errors.Rejected`."""
    if (given is None) == (file is None):
        raise errors.Rejected(
            "is given twice" if file else "is not given",
            object=what,
            code="no-value",
            hint="write the value, or - to read it from stdin, or --from-file FILE",
        )
    try:
        if file is not None:
            return file.read_text()
        if given != "-":
            return given or ""
        return from_stdin(what)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise errors.Rejected(
            f"cannot be read: {reason}", object=str(file or what), code="no-value", hint="check its path and its mode"
        ) from None


def from_stdin(what: str) -> str:
    """A terminal is asked without an echo; of a pipe the line end at its end is not part of the value."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(f"{what}: ")
    return sys.stdin.read().removesuffix("\n")


def warn_of_history(name: str, given: str | None) -> None:
    """A secret that was typed as an argument is in the shell's history, and was in the list of processes."""
    if given not in (None, "-") and masking.is_sensitive(name) and sys.stderr.isatty():
        print("note: this value is in your shell's history now; give - to be asked for it", file=sys.stderr)


def action(name: str) -> Any:
    """The option's value. Raises `errors.Rejected`."""
    options.choose("--action-on-existing-key", name, ACTIONS)
    return name


def file_format(file: Path, given: str | None) -> str:
    """json, yaml or env; json for stdin and stdout. Raises `errors.Rejected`."""
    if given is not None:
        options.choose("--file-format", given, FORMATS)
        return given
    if str(file) == "-":
        return "json"
    found = file.suffix.lower().removeprefix(".").replace("yml", "yaml")
    if found not in FORMATS:
        raise errors.Rejected(
            "has no suffix that tells its format",
            object=str(file),
            code="bad-secrets-file",
            hint="name it .json, .yaml or .env, or give --file-format",
        )
    return found


def write_out(text: str, file: Path, *, shown: bool, count: str) -> None:
    """To a file with mode 600, or to stdout. Raises `errors.Rejected` for a terminal that was not meant."""
    if str(file) == "-":
        if sys.stdout.isatty() and not shown:
            raise errors.Rejected(
                "would show every secret on this terminal",
                object="export",
                code="secrets-on-terminal",
                hint="name a file, send it through a pipe, or give --show-secrets",
            )
        print(text, end="" if text.endswith("\n") else "\n")
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as opened:
            os.fchmod(handle, 0o600)
            opened.write(text if text.endswith("\n") else f"{text}\n")
    except OSError as error:
        raise errors.Rejected(
            f"cannot be written: {error.strerror}", object=str(file), code="not-writable", hint="name another file"
        ) from None
    print(f"{count} written to {file}, in the clear, readable for you alone", file=sys.stderr)
