"""The reference page of the command line, made from the tree of commands itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main

from tradewind.cli import groups, main

_HEAD = """\
# Command line

<!-- Made by scripts/reference/cli.py from src/tradewind/cli; change it there. -->

`tradewind COMMAND --help` says the same. Exit codes: **0** all went well, **1** the run failed (of `lint`: a
file was refused), **2** bad input or use, with the reason and a hint on standard error.

Commands work whether or not a server runs: they read the home, and what changes something is handed to the server that
leads it, or done at once where none runs. `--home` names the home, else `TRADEWIND_HOME`, else `~/.tradewind`.

Lists are printed as a table; `--output json` and `--output yaml` are for programs, `--output plain` gives lines with
tabs between the columns. Colours are for terminals only. `tradewind --install-completion` teaches your shell to
complete commands, options and ids.

"""


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    found = list(commands())
    lines = [_HEAD, "| command | |\n|---|---|\n"]
    lines += [f"| [`tradewind {path}`](#{_anchor(path)}) | {_first_line(command)} |\n" for path, command in found]
    group = ""
    for path, command in found:
        first = path.split()[0]
        if " " in path and first != group:
            group = first
            lines.append(f"\n## {group}\n\n{groups.GROUPS[group][1]}\n")
        elif " " not in path and not group:
            group = "-"
            lines.append("\n## Running\n")
        lines += _command(path, command)
    return {"reference/cli.md": "".join(lines)}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something: its words after `tradewind`, and the command."""
    top = typer.main.get_command(main.app)
    yield from _below(top, "")


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    context = command.make_context("tradewind", [], resilient_parsing=True)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if not inner.hidden:
            yield from _below(inner, f"{path} {name}".strip())


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"\n### `tradewind {path}` {{ #{_anchor(path)} }}\n\n{_help(command)}\n"
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    words = " ".join(_metavar(one) if one.required else f"[{_metavar(one)}]" for one in arguments)
    yield f"\n```text\ntradewind {path}{' [OPTIONS]' if options else ''}{f' {words}' if words else ''}\n```\n"
    for one in arguments:
        yield f"\n`{_metavar(one)}`\n:   {_meaning(one)}\n"
    for one in options:
        yield f"\n{_names(one)}\n:   {_meaning(one)}\n"
    shown = _examples(command)
    if shown and shown != [f"tradewind {path}"]:
        yield "\n" + "\n".join(("```text", *shown, "```")) + "\n"


def _metavar(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name).upper().removesuffix("...")
    return f"{name}..." if parameter.nargs == -1 else name


def _names(option: Any) -> str:
    """`--output`, `-o` with what follows; `--this` / `--not-this` of switches."""
    names = ", ".join(f"`{name}`" for name in option.opts)
    if option.secondary_opts:
        names += " / " + ", ".join(f"`{name}`" for name in option.secondary_opts)
    if option.is_flag or option.count:
        return names
    if choices := getattr(option.type, "choices", ()):
        return f"{names} {' '.join(f'`{one}`' for one in choices)}"
    return f"{names} *{_value(option)}*"


def _value(option: Any) -> str:
    return str(option.metavar or option.name).lower().replace("_", " ")


def _meaning(parameter: Any) -> str:
    """Its help, with whether it must be given, or else its default."""
    text = _cell(parameter.help or "")
    value = getattr(parameter.default, "value", parameter.default)
    if parameter.required:
        return f"{text} **Required.**"
    if value is True and parameter.secondary_opts:
        return f"{text} Default: `{parameter.opts[0]}`."
    return text if value in (None, False, "", ()) or callable(value) else f"{text} Default: `{value}`."


def _help(command: Any) -> str:
    return _cell((command.help or "").replace("\f", "\n").strip(), keep_lines=True)


def _first_line(command: Any) -> str:
    return _cell((command.help or "").strip().split("\n\n")[0])


def _examples(command: Any) -> list[str]:
    lines = (command.epilog or "").split("\n")
    return [line.strip() for line in lines if line.strip().startswith("tradewind") or "| tradewind" in line]


def _cell(text: str, *, keep_lines: bool = False) -> str:
    """As Markdown: angle brackets, stars and pipes are meant as they are written."""
    pieces = re.split(r"(`[^`]*`)", text if keep_lines else " ".join(text.split()))
    plain = [piece if piece[:1] == "`" else re.sub(r"([*<>\[\]])", r"\\\1", piece) for piece in pieces]
    return "".join(plain) if keep_lines else "".join(plain).replace("|", "\\|")


def _anchor(path: str) -> str:
    return path.replace(" ", "-")
