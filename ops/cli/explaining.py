"""How commands explain themselves: what a reader may type and what it does, and nothing of how the program holds it.

The library would add its own types to it (`CARD <str>`), cut sentences off in lists of commands, and put all commands
under one heading.
"""

from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

ELSEWHERE: Final = "Units, exit codes, settings: onecard --help"
COMMANDS: Final = "Commands"


class _Explained(TyperCommand):
    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["[OPTIONS]", *map(_argument, arguments_of(self, ctx))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_epilog(self, formatter)


class _Group(TyperGroup):
    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each with its whole summary, under the headings they were given."""
        headings: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            assert command is not None
            heading = getattr(command, "rich_help_panel", None)
            headings.setdefault(heading if isinstance(heading, str) else COMMANDS, []).append((name, summary(command)))
        widest = max(len(name) for rows in headings.values() for name, _ in rows)
        for heading, rows in headings.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(widest), said) for name, said in rows])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_epilog(self, formatter)


class App(typer.Typer):
    """Commands that explain themselves."""

    def __init__(self, **given: Any) -> None:
        super().__init__(cls=_Group, add_completion=False, rich_markup_mode=None, **given)

    def command(self, name: str | None = None, **given: Any) -> Any:
        return super().command(name, cls=_Explained, **given)


def summary(command: Any) -> str:
    """The first sentence of its help."""
    return " ".join((command.help or "").partition("\n\n")[0].split())


def arguments_of(command: Any, ctx: Any) -> list[TyperArgument]:
    return [one for one in command.get_params(ctx) if isinstance(one, TyperArgument)]


def _argument(one: TyperArgument) -> str:
    name = _name(one)
    return f"{name if one.required else f'[{name}]'}{'...' if one.nargs != 1 else ''}"


def _name(one: TyperArgument) -> str:
    return (one.metavar or str(one.name).upper()).strip("[].")


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    arguments = [(_name(one), getattr(one, "help", None) or "") for one in arguments_of(command, ctx)]
    records = (one.get_help_record(ctx) for one in command.get_params(ctx) if not isinstance(one, TyperArgument))
    options = [record for record in records if record is not None]
    for heading, rows in (("Arguments", arguments), ("Options", options)):
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)


def _write_epilog(command: Any, formatter: Any) -> None:
    """Words that are the same for every command stand in one place, which each of them names."""
    formatter.write_paragraph()
    for line in (command.epilog or ELSEWHERE).strip("\n").splitlines():
        formatter.write(f"{line}\n")
