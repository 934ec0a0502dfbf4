"""The reference pages of the settings, made from the tree itself.

`pages()` gives path below `docs/` → text; run as a program it writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tradewind import settings
from tradewind.settings import airflow, text, value

_MADE = "<!-- Made by scripts/reference/settings.py from src/tradewind/settings: change it there. -->\n"

_SETTINGS = """\
# Settings

{made}
Everything has a default; a settings file is needed for nothing. Values come from five places. Later ones win:

1. the defaults below;
2. Airflow's own environment, [where it means something here](airflow-settings.md);
3. one settings file: the one named by `--settings`, else `tradewind.toml` in the home, else `tradewind.toml` in the
   current folder. `tradewind run FILE` looks beside the DAG file and one folder above it first. Only one file is read;
4. environment variables `TRADEWIND_SECTION__KEY`, with two underscores between the parts of the key;
5. `--set section.key=value`, as often as needed, of `run` and `standalone`.

```toml
# tradewind.toml
[dags]
folder = "dags"              # relative to this file

[scheduler]
parallelism = 8

[[runtime.local.images]]
pattern = "example.org/reports:*"
venv = "envs/reports"
```

```console
$ TRADEWIND_SCHEDULER__PARALLELISM=8 tradewind config get scheduler.parallelism
$ tradewind config show
$ tradewind config explain scheduler.parallelism
```

`config show` tells where each value comes from, by file and line, variable or flag. Passwords are masked.

**Paths** in the file are relative to the file; in variables and flags, to the current folder. `~` is the home folder.
**Lists** in variables and flags are JSON (`["a", "b"]`), or text with commas between where the list is of text.

**What is wrong is an error before anything starts**: an unknown section or key (with the nearest name), a value of the
wrong type or out of range, a variable that begins with `TRADEWIND_` and is no setting. These variables are no settings
and are left alone: `TRADEWIND_HOME` (the home), `TRADEWIND_VAR_…` and `TRADEWIND_CONN_…` (Variables and Connections),
those that the runtime gives to tasks, and those that Kubernetes makes for a Service named `tradewind`
(`TRADEWIND_PORT`, `TRADEWIND_SERVICE_HOST`, …).

Changes count from the next start of `standalone`.
"""

_AIRFLOW = """\
# Airflow's environment

{made}
A machine or image that was set up for Airflow brings variables along. They are understood where they mean something
here, and are weaker than every setting of ours: [settings file, `TRADEWIND_…`, `--set`](settings.md). A wrong value of
such a variable is an error, as in a setting. All other variables of Airflow are ignored; `tradewind config show` lists
those that are set, with the reason. `airflow.cfg` is not read.

## `AIRFLOW_HOME`

Its folder `dags` is where DAG files are looked for if nothing else names a folder (`--dags`, `dags.folder`,
`AIRFLOW__CORE__DAGS_FOLDER`) and the home of ours has no files in `dags`. Whoever sets the variable and starts
tradewind wants those files run; `~/airflow` without the variable is not looked at, since a DAG should not run twice
because Airflow is installed too. Nothing else in `AIRFLOW_HOME` is read or written.

## Variables and Connections

`AIRFLOW_VAR_KEY` and `AIRFLOW_CONN_ID` give Variables and Connections, after `TRADEWIND_VAR_KEY` and
`TRADEWIND_CONN_ID`.

## Options that are settings here

| Airflow's option | setting |
|---|---|
{meant}

## Options that only DAG files read

DAG files that ask `airflow.configuration.conf` get, of the options in the table above, what the settings say; of every
other option, what `AIRFLOW__SECTION__KEY` says. Only `core.dags_folder` is the folder that the running version of the
file lies in. These have a default there as well:

| Airflow's option | |
|---|---|
{read}

## Options not understood yet

Their meaning exists here, and the variable is not read yet.

| Airflow's option | until then |
|---|---|
{later}

## Options without a meaning here

A section stands for all of its options that are in no table above.

| Airflow's option or section | why |
|---|---|
{unused}
"""


def pages() -> dict[str, str]:
    """The pages: path below `docs/` → text."""
    return {"reference/settings.md": _settings_page(), "reference/airflow-settings.md": _airflow_page()}


def _settings_page() -> str:
    parts = [_SETTINGS.format(made=_MADE)]
    for name, section in settings.all_sections():
        own = [one for one in settings.all_fields() if one.key.rpartition(".")[0] == name]
        if own:
            parts.append(f"\n## `[{name}]`\n\n{(section.__doc__ or '').strip()}\n")
            parts += ["\n".join(("", *_entry(field), "")) for field in own]
    return "".join(parts)


def _entry(field: settings.Field) -> Iterator[str]:
    yield f"### `{field.key}`"
    yield ""
    yield field.what
    yield ""
    yield f"- Type: {value.words(field.type)}"
    yield f"- Default: {_default(field)}{f' {field.unit}' if field.unit else ''}{f'. {field.why}' if field.why else ''}"
    yield f"- Variable: `{field.variable}`"
    if field.airflow:
        yield f"- Airflow: `{field.airflow}`, `{airflow.variable(field.airflow)}`"
    held = text.held(field)
    if held:
        yield ""
        yield "| key | type | default | |"
        yield "|---|---|---|---|"
        yield from (f"| `{one.key}` | {value.words(one.type)} | {_default(one)} | {one.what} |" for one in held)


def _default(field: settings.Field) -> str:
    if field.default is msgspec.NODEFAULT:
        return "none, it must be given"
    if field.default is None:
        return "not set"
    plain = msgspec.to_builtins(field.default)
    return "empty" if plain in ("", []) else f"`{text.line(plain)}`"


def _airflow_page() -> str:
    meant = "\n".join(
        f"| `{one.airflow}` | [`{one.key}`](settings.md#{_anchor(one.key)}) |"
        for one in settings.all_fields()
        if one.airflow
    )
    return _AIRFLOW.format(
        made=_MADE,
        meant=meant,
        read=_rows(airflow.IN_DAG_FILES),
        later=_rows(airflow.NOT_YET),
        unused=_rows(airflow.NOT_USED),
    )


def _anchor(key: str) -> str:
    """As Markdown makes them of headings."""
    return key.replace(".", "")


def _rows(table: dict[str, str]) -> str:
    return "\n".join(f"| `{name}` | {why} |" for name, why in table.items())


def main() -> None:
    """Write the pages."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    for path, page in pages().items():
        (docs / path).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
