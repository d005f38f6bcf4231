"""The commands by name, each loaded when it is called."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import click

from luthier._foreign_words import COMMANDS
from luthier._hints import did_you_mean
from luthier.version import VERSION


class _Entry(NamedTuple):
    module: str
    summary: str
    function: str = ""


ENTRIES = {
    "run": _Entry("run", "Run the study of a study file, or go on with it."),
    "list": _Entry("show", "List the studies of a store.", "list_studies"),
    "best": _Entry("show", "Print the best values, ready to paste into code."),
    "choose": _Entry("choose", "Choose one trial of the front of several objectives."),
    "prefer": _Entry("choose", "Note which of two trials you prefer."),
    "show": _Entry("show", "List the trials of a study."),
    "explain": _Entry("explain", "Explain why a trial was made, and what was expected of it."),
    "importance": _Entry("importance", "Print how much each variable matters."),
    "compare": _Entry("compare", "Compare two studies at equal numbers of trials."),
    "export": _Entry("export", "Write the trials as CSV, JSON or Parquet."),
    "plot": _Entry("plot", "Draw a picture of a study, in a file or here."),
    "report": _Entry("report", "Write one page about a study, as HTML or Markdown."),
    "enqueue": _Entry("admin", "Have given values tried next."),
    "transfer": _Entry("transfer", "Have a study learn from the results of another task."),
    "retry": _Entry("admin", "Have trials that failed, or others, run again."),
    "forget": _Entry("admin", "Have trials count for nothing."),
    "worker": _Entry("worker", "Join a study with a further process, on any machine."),
    "top": _Entry("top", "Show who runs a study, and how fast."),
    "pause": _Entry("direct", "Have all who run a study begin no trials for now."),
    "resume": _Entry("direct", "Have them go on."),
    "stop": _Entry("direct", "Have them end when what runs has ended."),
    "cancel": _Entry("direct", "Have them give back what runs, and end."),
    "reap": _Entry("direct", "Take back the trials of processes that are gone."),
    "annotate": _Entry("annotate", "Give a study notes and tags."),
    "copy": _Entry("copy", "Copy a study into another store, or under another name."),
    "backup": _Entry("backup", "Copy all studies of a store into a new one."),
    "restore": _Entry("backup", "Put the studies of a backup into a store."),
    "upgrade": _Entry("backup", "Bring a store of an earlier version up to date."),
    "verify": _Entry("admin", "Make every proposal of a study again, and compare."),
    "doctor": _Entry("admin", "Show versions, and check a store for damage."),
    "rm": _Entry("admin", "Remove a study from its store."),
    "init": _Entry("admin", "Write a commented study file to begin with."),
}

_EPILOG = """Exit codes: 0 done, 1 failed, 2 a mistake in the command line or the study file, 130 interrupted
(the same command goes on)."""


class _Commands(click.Group):
    """A group that knows the names and summaries of its commands without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ENTRIES:
            return None
        entry = ENTRIES[cmd_name]
        module = importlib.import_module(f"luthier.cli.commands.{entry.module}")
        command: click.Command = getattr(module, entry.function or cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in ENTRIES and not args[0].startswith("-"):
            ours = COMMANDS.get(args[0])
            hint = f" (it is {ours!r} here)" if ours else did_you_mean(args[0], ENTRIES)
            ctx.fail(f"there is no command {args[0]!r}{hint}; there are {', '.join(ENTRIES)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in ENTRIES.items()])


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, "--version", message="luthier %(version)s")
def program() -> None:
    """Tune hyperparameters by Bayesian, grid or random search that resumes exactly where it was stopped."""
