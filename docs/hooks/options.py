"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import inspect

import click

from classifier_operator.cli import COMMANDS, main

PREFIX = "CLASSIFIER_OPERATOR"


def command_of(name: str) -> click.Command:
    """The command of that name."""
    command = main.get_command(click.Context(main), name)
    if command is None:
        raise KeyError(name)
    return command


def commands() -> str:
    """All commands, as Markdown."""
    parts = []
    for name in COMMANDS:
        command = command_of(name)
        context = click.Context(command, info_name=f"classifier-operator {name}")
        usage = command.get_usage(context).removeprefix("Usage: ")
        text = inspect.cleandoc(command.help or "").replace("\b\n", "")
        parts += [f"## {name}", f"```text\n{usage}\n```", text, options(name)]
    return "\n\n".join(parts)


def options(name: str) -> str:
    """A command's options, as a table."""
    rows = ["| option | in the environment | default | |", "|---|---|---|---|"]
    rows += [_row(name, one) for one in command_of(name).params if isinstance(one, click.Option)]
    return "\n".join(rows)


def variable(name: str, option: click.Option) -> str:
    """The environment variable that sets an option."""
    return f"{PREFIX}_{name}_{option.name}".upper()


def _row(name: str, option: click.Option) -> str:
    text = (option.help or "").replace("|", r"\|")
    flags = ", ".join(f"`{one}`" for one in [*option.opts, *option.secondary_opts])
    return f"| {flags}{_values(option)} | `{variable(name, option)}` | {_default(option)} | {text} |"


def _values(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return " " + ", ".join(f"`{one}`" for one in option.type.choices)
    if option.is_flag or option.metavar is None:
        return ""
    return " " + ", ".join(f"`{one}`" for one in option.metavar.split("|"))


def _default(option: click.Option) -> str:
    """What the command says of its default: those that depend on something are in brackets in the help."""
    if not option.show_default or option.default is None:
        return ""
    if option.is_bool_flag:
        return "off" if not option.default else "on"
    return f"`{option.default:g}`" if isinstance(option.default, float) else f"`{option.default}`"
