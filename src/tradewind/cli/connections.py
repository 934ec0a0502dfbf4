"""`tradewind connections`: read and written in the encrypted store directly, with or without a server."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.cli import exits, groups, options, secret_values, tables
from tradewind.model import connection_text, masking
from tradewind.ports import errors

if TYPE_CHECKING:
    from tradewind.ports import vault as vault_port

app = groups.new("Connections: list, read, set, test and delete them, move them between installations.")
IdArgument = Annotated[str, typer.Argument(metavar="CONN_ID", help="The Connection.")]


@app.command("list", epilog=options.examples("tradewind connections list", "tradewind connections list -o json"))
def list_connections(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    show: secret_values.ShowSecretsOption = False,
) -> None:
    """The Connections that are kept here. Those of other back ends (environment, files) are not listed."""

    async def read() -> list[dict[str, Any]]:
        async with secret_values.vault(home, settings) as vault:
            return [_row(found, show=show) for found in await vault.read_connections()]

    with exits.reported():
        tables.show(
            asyncio.run(read()),
            output=output,
            empty="no Connections; `tradewind connections set ID --uri -` makes one",
        )


@app.command(
    epilog=options.examples("tradewind connections get warehouse", "tradewind connections get warehouse --show-secrets")
)
def get(
    conn_id: IdArgument,
    show: secret_values.ShowSecretsOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """A Connection as a task gets it: the first back end's answer, and which one that was."""
    with exits.reported():
        connection, source = asyncio.run(_locate(conn_id, home, settings))
        fields = _hidden(connection, show=show)
        uri = connection_text.uri(fields).replace("%2A%2A%2A", secret_values.HIDDEN)
        told = {
            "conn_id": conn_id,
            **{name: fields[name] for name in connection_text.FIELDS[:-1]},
            "extra": connection_text.extra_object(fields["extra"]) or None,
            "uri": uri,
            "source": source,
        }
        tables.show_object(told, output=output)


@app.command(
    "set",
    epilog=options.examples(
        "tradewind connections set warehouse --uri -      # asks, or reads a pipe",
        "tradewind connections set api --conn-type http --host https://api.example.com --password -",
    ),
)
def set_connection(
    conn_id: IdArgument,
    uri: Annotated[
        str | None, typer.Option("--uri", "--conn-uri", help="type://login:password@host; - for stdin.")
    ] = None,
    text: Annotated[str | None, typer.Option("--json", "--conn-json", help="A JSON object; - for stdin.")] = None,
    conn_type: Annotated[str | None, typer.Option("--conn-type", help="As in Airflow: postgres, http, …")] = None,
    host: Annotated[str | None, typer.Option("--host", "--conn-host", help="A name, an address, or a URL.")] = None,
    port: Annotated[int | None, typer.Option("--port", "--conn-port", help="A number.", min=1, max=65535)] = None,
    login: Annotated[str | None, typer.Option("--login", "--conn-login", help="Who logs in.")] = None,
    password: Annotated[
        str | None, typer.Option("--password", "--conn-password", help="- reads it from stdin.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", "--conn-schema", help="A database, a bucket: as the type means it.")
    ] = None,
    extra: Annotated[str | None, typer.Option("--extra", "--conn-extra", help="A JSON object.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", "--conn-description", help="What it is for.")
    ] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Encrypt and keep a Connection, instead of the one that is there: from a URI, from JSON or from fields."""
    from tradewind.wiring import secret_store

    fields = {
        "conn_type": conn_type,
        "host": host,
        "port": port,
        "login": login,
        "password": password,
        "schema": schema,
        "extra": extra,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    with exits.reported():
        _check_forms(conn_id, uri, text, given)
        about = f"connection {conn_id}"
        if uri is not None or text is not None:
            written: Any = secret_values.read(about, uri if uri is not None else text)
        else:
            if password == "-":
                given["password"] = secret_values.from_stdin(f"the password of {conn_id}")
            written = given
        connection = secret_store.secret_files.connection(conn_id, written)
        if description is not None:
            connection = secret_store.secret_connections.with_description(connection, description)
        source = asyncio.run(_keep(connection, home, settings))
        secret_values.warn_of_history("password", uri or text or password)
        _tell("set", conn_id, source)


@app.command(epilog=options.examples("tradewind connections delete warehouse"))
def delete(conn_id: IdArgument, home: options.HomeOption = None, settings: options.SettingsOption = None) -> None:
    """Delete what is kept."""

    async def write() -> tuple[bool, str | None]:
        async with secret_values.vault(home, settings) as vault:
            gone = await vault.delete_connection(conn_id)
            found = await vault.locate_connection(conn_id)
            return gone, None if found is None else found[1]

    with exits.reported():
        gone, source = asyncio.run(write())
        if not gone:
            raise _missing(conn_id, source)
        _tell("deleted", conn_id, source)


@app.command(
    "import",
    epilog=options.examples("tradewind connections import connections.yaml --action-on-existing-key overwrite"),
)
def import_connections(
    file: Annotated[Path, typer.Argument(help="JSON, YAML or ID=URI lines, as Airflow's; - for stdin.")],
    action: secret_values.ActionOption = "skip",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="As Airflow: --action-on-existing-key overwrite.")
    ] = False,
    form: secret_values.FormatOption = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Set what a file says: all of it, or nothing where an entry is bad."""
    from tradewind.wiring import secret_store

    async def write(given: list[vault_port.Connection]) -> int:
        async with secret_values.vault(home, settings) as vault:
            return await vault.set_connections(given, "overwrite" if overwrite else secret_values.action(action))

    with exits.reported():
        secret_values.action(action)
        found = secret_values.file_format(file, form)
        files = secret_store.secret_files
        content = files.read_text(sys.stdin.read(), found, file) if str(file) == "-" else files.read(file, form=found)
        given = list(files.connections_of(content, file).values())
        done = asyncio.run(write(given))
        left = f"; {len(given) - done} were there and stay (-a overwrite replaces them)" if done < len(given) else ""
        print(f"{done} of {len(given)} Connections set{left}", file=sys.stderr)


@app.command("export", epilog=options.examples("tradewind connections export connections.json"))
def export_connections(
    file: Annotated[Path, typer.Argument(help="Where to; - for stdout.")],
    form: secret_values.FormatOption = None,
    serialization: Annotated[
        str, typer.Option("--serialization-format", help="uri or json, of the values in env files.")
    ] = "uri",
    show: secret_values.ShowSecretsOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Write all that is kept, in the clear, in the form that Airflow and `import` read."""
    from tradewind.wiring import secret_store

    async def read() -> list[vault_port.Connection]:
        async with secret_values.vault(home, settings) as vault:
            return list(await vault.read_connections())

    with exits.reported():
        options.choose("--serialization-format", serialization, ("uri", "json"))
        found = secret_values.file_format(file, form)
        kept = asyncio.run(read())
        text = secret_store.secret_files.write_connections(kept, found, as_json=serialization == "json")
        secret_values.write_out(text, file, shown=show, count=f"Connections: {len(kept)}")


@app.command("test", epilog=options.examples("tradewind connections test warehouse"))
def reach(
    conn_id: IdArgument,
    port: Annotated[
        int | None, typer.Option("--port", help="Where the Connection names none.", min=1, max=65535)
    ] = None,
    seconds: Annotated[float, typer.Option("--timeout", help="Seconds for each step.", min=0.1, max=300)] = 5.0,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Whether its text can be read, its host's name is known, and something accepts TCP connections there.

    Not tested: login, password, TLS, or what listens. Exit code 1 where a step fails.
    """
    from tradewind.cli import reachability

    with exits.reported():
        connection, source = asyncio.run(_locate(conn_id, home, settings))
        steps = [{"step": "read", "ok": True, "milliseconds": None, "detail": f"from {source}"}]
        steps += asyncio.run(reachability.steps(connection, port, seconds))
        tables.show(steps, output=output, empty="")
        print("tested: text, name, TCP. Not tested: login, TLS, what listens there.", file=sys.stderr)
        if not all(step["ok"] for step in steps):
            raise typer.Exit(exits.RUN_FAILED)


# -- below the commands ------------------------------------------------------------------------------------------------


async def _locate(
    conn_id: str, home: options.HomeOption, settings: options.SettingsOption
) -> tuple[vault_port.Connection, str]:
    async with secret_values.vault(home, settings) as vault:
        found = await vault.locate_connection(conn_id)
    if found is None:
        raise _missing(conn_id)
    return found


async def _keep(
    connection: vault_port.Connection, home: options.HomeOption, settings: options.SettingsOption
) -> str | None:
    async with secret_values.vault(home, settings) as vault:
        await vault.set_connection(connection)
        found = await vault.locate_connection(connection.conn_id)
    return None if found is None else found[1]


def _check_forms(conn_id: str, uri: str | None, text: str | None, fields: dict[str, Any]) -> None:
    forms = [
        name for name, given in (("--uri", uri is not None), ("--json", text is not None), ("fields", fields)) if given
    ]
    if len(forms) != 1 or (forms == ["fields"] and not fields.get("conn_type")):
        said = (
            f"is given as {' and as '.join(forms)}"
            if len(forms) > 1
            else "has no --conn-type"
            if forms
            else "is not given"
        )
        raise errors.Rejected(
            said,
            object=f"connection {conn_id!r}",
            code="bad-connection",
            hint="give --uri, or --json, or --conn-type and other fields",
        )


def _hidden(connection: vault_port.Connection, *, show: bool) -> dict[str, Any]:
    fields = {name: getattr(connection, name) for name in connection_text.FIELDS}
    if show:
        return fields
    if fields["password"]:
        fields["password"] = secret_values.HIDDEN
    if fields["extra"]:
        extra = connection_text.extra_object(fields["extra"])
        fields["extra"] = json.dumps(_covered(extra) if extra else secret_values.HIDDEN)
    return fields


def _covered(value: Any) -> Any:
    """Of an extra, what is below sensitive names hidden."""
    if isinstance(value, dict):
        return {
            name: secret_values.HIDDEN if masking.is_sensitive(name) and one else _covered(one)
            for name, one in value.items()
        }
    return [_covered(one) for one in value] if isinstance(value, list) else value


def _row(connection: vault_port.Connection, *, show: bool) -> dict[str, Any]:
    fields = _hidden(connection, show=show)
    names = ("conn_type", "host", "port", "schema", "login", "password", "extra", "description")
    return {"conn_id": connection.conn_id, **{name: fields[name] for name in names}}


def _tell(what: str, conn_id: str, source: str | None) -> None:
    print(f"Connection {conn_id} {what}", file=sys.stderr)
    if source not in (None, "store"):
        print(f"note: tasks still get another one, from back end {source!r}, which is asked first", file=sys.stderr)


def _missing(conn_id: str, source: str | None = None) -> errors.NotFound:
    where = f"it comes from back end {source!r}; change it there" if source else "see `tradewind connections list`"
    return errors.NotFound(
        "is not kept here" if source else "is not there",
        object=f"connection {conn_id!r}",
        code="no-such-connection",
        hint=where,
    )
