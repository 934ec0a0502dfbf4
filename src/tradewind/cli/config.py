"""`tradewind config show|get|explain`: what the settings are, where each value comes from, and what each is for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind import settings as settings_tree
from tradewind.cli import exits, groups, options, tables
from tradewind.ports import errors
from tradewind.settings import text, value

app = groups.new("Settings: what they are, where each value comes from, what each is for.")


def _complete_key(incomplete: str) -> list[str]:
    return [field.key for field in settings_tree.all_fields() if field.key.startswith(incomplete)]


_KEY_HELP = "Dotted, e.g. scheduler.parallelism."


@app.command(
    epilog=options.examples("tradewind config show", "tradewind config show --changed -o json | jq -r '.[].key'")
)
def show(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    output: options.OutputOption = options.Output.TABLE,
    changed: Annotated[bool, typer.Option("--changed", help="Only what has not its default.")] = False,
) -> None:
    """All settings with their values and where each comes from. Passwords are masked."""
    with exits.reported():
        loaded = _resolved(home, settings, flags)
        rows = [
            {
                "key": field.key,
                "value": _told(text.plain(field, loaded.value(field.key)), output),
                "unit": field.unit,
                "from": loaded.place(field.key),
            }
            for field in settings_tree.all_fields()
            if not changed or loaded.place(field.key) != settings_tree.DEFAULT
        ]
        tables.show(rows, output=output, empty="every setting has its default")
        _tell_aside(home, loaded)


@app.command(epilog=options.examples("tradewind config get scheduler.parallelism"))
def get(
    key: Annotated[str, typer.Argument(metavar="KEY", help=_KEY_HELP, autocompletion=_complete_key)],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Passwords in the clear.")] = False,
) -> None:
    """The value of one setting and nothing else: text as it is, lists as JSON."""
    with exits.reported():
        field = settings_tree.get_field(key)
        found = _resolved(home, settings, flags).value(key)
        print(text.line(text.plain(field, found, reveal=reveal)))
        if field.secret and found and not reveal:
            print("masked: --reveal shows it in the clear", file=sys.stderr)


@app.command(
    epilog=options.examples("tradewind config explain scheduler.lease_seconds", "tradewind config explain scheduler")
)
def explain(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[KEY]", help=f"{_KEY_HELP} Or a section; all without it.", autocompletion=_complete_key
        ),
    ] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """What a setting is for: default, unit, reason, its variable, Airflow's name, its value now and where from."""
    with exits.reported():
        chosen = [field for field in settings_tree.all_fields() if key is None or field.key.startswith(f"{key}.")]
        if chosen:
            _list(chosen, output)
            return
        field = settings_tree.get_field(key or "")
        facts = _facts(field, _or_error(home, settings, flags, field), output)
        held = [{"key": one.key, "type": value.words(one.type), "what": one.what} for one in text.held(field)]
        if output is not options.Output.TABLE:
            tables.show_object({**facts, "holds": held}, output=output)
            return
        tables.show_object(facts, output=output)
        if held:
            print()
            tables.show(held, output=output, empty="")


def _list(chosen: list[settings_tree.Field], output: options.Output) -> None:
    short = output is options.Output.TABLE
    rows = [
        {"key": field.key, "default": _told(text.plain(field, field.default), output), "unit": field.unit}
        | ({} if short else {"type": value.words(field.type), "variable": field.variable, "airflow": field.airflow})
        | {"what": field.what}
        | ({} if short else {"why": field.why})
        for field in chosen
    ]
    tables.show(rows, output=output, empty="")


def _facts(field: settings_tree.Field, now: dict[str, Any], output: options.Output) -> dict[str, Any]:
    return {
        "key": field.key,
        "what": field.what,
        "type": value.words(field.type),
        "default": _told(text.plain(field, field.default), output),
        "unit": field.unit,
        "why": field.why,
        "variable": field.variable,
        "airflow": field.airflow,
        **{name: _told(item, output) for name, item in now.items()},
    }


def _or_error(
    home: Path | None, settings: Path | None, flags: list[str] | None, field: settings_tree.Field
) -> dict[str, Any]:
    """Value and origin now. Wrong settings are told and do not keep anyone from reading what is right."""
    try:
        loaded = _resolved(home, settings, flags)
    except errors.Rejected as error:
        return {"value": None, "from": "", "error": str(error)}
    return {"value": text.plain(field, loaded.value(field.key)), "from": loaded.place(field.key)}


def _told(data: Any, output: options.Output) -> Any:
    """As data for programs that read data; as one line of text otherwise."""
    if output in (options.Output.JSON, options.Output.YAML):
        return data
    if output is options.Output.TABLE and data in (None, ""):
        return "not set" if data is None else '""'
    return text.line(data)


def _resolved(home: Path | None, settings: Path | None, flags: list[str] | None) -> settings_tree.Loaded:
    place = home or settings_tree.default_home()
    return settings_tree.resolve(settings or settings_tree.find(place), flags=flags or (), home=place)


def _tell_aside(home: Path | None, loaded: settings_tree.Loaded) -> None:
    """What does not count, on stderr: a second settings file, and Airflow's variables without a meaning here."""
    for other in settings_tree.find_all(home or settings_tree.default_home()):
        if loaded.file is not None and not other.samefile(loaded.file):
            print(f"not read: {other}; {loaded.file} comes before it", file=sys.stderr)
    for one in loaded.ignored:
        print(f"not used: {one.variable}: {one.why}", file=sys.stderr)
