"""`tradewind variables`: read and written in the encrypted store directly, with or without a server."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind.cli import exits, groups, options, secret_values, tables
from tradewind.model import masking
from tradewind.ports import errors

app = groups.new("Variables: list, read, set and delete them, move them between installations.")
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The Variable.")]


@app.command("list", epilog=options.examples("tradewind variables list", "tradewind variables list --show-values"))
def list_variables(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    values: Annotated[
        bool, typer.Option("--show-values", help="Values too; of names that look sensitive with --show-secrets.")
    ] = False,
    show: secret_values.ShowSecretsOption = False,
) -> None:
    """The Variables that are kept here. Those of other back ends (environment, files) are not listed."""

    async def read() -> list[dict[str, Any]]:
        async with secret_values.vault(home, settings) as vault:
            if not (values or show):
                return [{"key": key, "description": told} for key, told in await vault.list_variables()]
            return [
                {
                    "key": key,
                    "value": secret_values.HIDDEN if masking.is_sensitive(key) and not show else value,
                    "description": told,
                }
                for key, value, told in await vault.read_variables()
            ]

    with exits.reported():
        tables.show(asyncio.run(read()), output=output, empty="no Variables; `tradewind variables set KEY -` makes one")


@app.command(epilog=options.examples("tradewind variables get region", "tradewind variables get region -o json"))
def get(
    key: KeyArgument,
    default: Annotated[str | None, typer.Option("--default", "-d", help="Print this where there is none.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: Annotated[
        options.Output | None, typer.Option("--output", "-o", help="Else the bare value, and on stderr where from.")
    ] = None,
) -> None:
    """The value as a task gets it: the first back end's answer, and which one that was."""

    async def read() -> tuple[str, str] | None:
        async with secret_values.vault(home, settings) as vault:
            return await vault.locate_variable(key)

    with exits.reported():
        found = asyncio.run(read())
        if found is None and default is None:
            raise _missing(key)
        value, source = found or (default or "", "--default")
        if output is not None:
            tables.show_object({"key": key, "value": value, "source": source}, output=output)
            return
        print(value)
        if sys.stderr.isatty():
            print(f"from: {source}", file=sys.stderr)


@app.command(
    "set",
    epilog=options.examples(
        "tradewind variables set region eu-west-1",
        "tradewind variables set api_token -          # asks, or reads a pipe",
        "tradewind variables set model --from-file model.json",
    ),
)
def set_variable(
    key: KeyArgument,
    value: Annotated[str | None, typer.Argument(metavar="[VALUE|-]", help="The value; - reads it from stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--from-file", help="Read the value from a file, as it is.")] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for; not encrypted.")] = "",
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Encrypt and keep a value, instead of the one that is there."""

    async def write(text: str) -> str | None:
        async with secret_values.vault(home, settings) as vault:
            await vault.set_variable(key, text, description)
            found = await vault.locate_variable(key)
            return None if found is None else found[1]

    with exits.reported():
        text = secret_values.read(f"the value of {key}", value, file)
        source = asyncio.run(write(text))
        secret_values.warn_of_history(key, value)
        _tell("set", key, source)


@app.command(epilog=options.examples("tradewind variables delete region"))
def delete(key: KeyArgument, home: options.HomeOption = None, settings: options.SettingsOption = None) -> None:
    """Delete what is kept."""

    async def write() -> tuple[bool, str | None]:
        async with secret_values.vault(home, settings) as vault:
            gone = await vault.delete_variable(key)
            found = await vault.locate_variable(key)
            return gone, None if found is None else found[1]

    with exits.reported():
        gone, source = asyncio.run(write())
        if not gone:
            raise _missing(key, source)
        _tell("deleted", key, source)


@app.command(
    "import",
    epilog=options.examples("tradewind variables import variables.json", "tradewind variables import v.env -a skip"),
)
def import_variables(
    file: Annotated[Path, typer.Argument(help="JSON, YAML or NAME=value lines, as Airflow's; - for stdin.")],
    action: secret_values.ActionOption = "overwrite",
    form: secret_values.FormatOption = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Set what a file says: all of it, or nothing where an entry is bad."""

    async def write(given: dict[str, tuple[str, str]]) -> int:
        async with secret_values.vault(home, settings) as vault:
            return await vault.set_variables(given, secret_values.action(action))

    with exits.reported():
        secret_values.action(action)
        given = read_file(file, form)
        done = asyncio.run(write(given))
        left = f"; {len(given) - done} were there and stay" if done < len(given) else ""
        print(f"{done} of {len(given)} Variables set{left}", file=sys.stderr)


@app.command("export", epilog=options.examples("tradewind variables export variables.json"))
def export_variables(
    file: Annotated[Path, typer.Argument(help="Where to; - for stdout.")],
    form: secret_values.FormatOption = None,
    show: secret_values.ShowSecretsOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Write all that is kept, in the clear, in the form that Airflow and `import` read."""
    from tradewind.wiring import secret_store

    async def read() -> list[tuple[str, str, str]]:
        async with secret_values.vault(home, settings) as vault:
            return list(await vault.read_variables())

    with exits.reported():
        found = secret_values.file_format(file, form)
        kept = asyncio.run(read())
        text = secret_store.secret_files.write_variables(kept, found)
        secret_values.write_out(text, file, shown=show, count=f"Variables: {len(kept)}")


def read_file(file: Path, form: str | None = None) -> dict[str, tuple[str, str]]:
    """Value and description of each Variable in a file that can be imported. Raises `errors.Rejected`."""
    from tradewind.wiring import secret_store

    found = secret_values.file_format(file, form)
    if str(file) == "-":
        content = secret_store.secret_files.read_text(sys.stdin.read(), found, file)
    else:
        content = secret_store.secret_files.read(file, form=found)
    return {
        key: (value, told or "") for key, (value, told) in secret_store.secret_files.variables_of(content, file).items()
    }


def _tell(what: str, key: str, source: str | None) -> None:
    print(f"Variable {key} {what}", file=sys.stderr)
    if source not in (None, "store"):
        print(f"note: tasks still get another value, from back end {source!r}, which is asked first", file=sys.stderr)


def _missing(key: str, source: str | None = None) -> errors.NotFound:
    where = f"it comes from back end {source!r}; change it there" if source else "see `tradewind variables list`"
    return errors.NotFound("is not kept here", object=f"Variable {key!r}", code="no-such-variable", hint=where)
