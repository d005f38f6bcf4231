"""Orders to all who run a study: ``pause``, ``resume``, ``stop``, ``cancel`` and ``reap``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.render import clean, json_text

if TYPE_CHECKING:
    from luthier.study import StudyEditor

_STORE = click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
_STUDY = click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_STORE
@_STUDY
@_JSON
def pause(store: str | None, name: str | None, as_json: bool) -> None:
    """Have all who run a study begin no trials, until luthier resume. What runs goes on.

    The order stands in the store: it reaches every process and machine within seconds, and those that come later.
    """
    _order(store, name, as_json, "pause", "paused: no new trials, until: luthier resume", "is paused already")


@click.command()
@_STORE
@_STUDY
@_JSON
def resume(store: str | None, name: str | None, as_json: bool) -> None:
    """Have all who run a study go on after luthier pause, those too that paused as their trials failed.

    To go on with a run that was stopped or interrupted, start it again: luthier run.
    """
    nothing = "nothing is paused; to go on with a run that has ended: luthier run"
    _order(store, name, as_json, "go on", "goes on", nothing)


@click.command()
@_STORE
@_STUDY
@_JSON
def stop(store: str | None, name: str | None, as_json: bool) -> None:
    """Have all who run a study begin no trials, and end once their running ones have ended.

    Runs and workers that are started later are not meant.
    """
    _order(store, name, as_json, "stop", "stopping: everyone ends when the trials that run have ended", "")


@click.command()
@_STORE
@_STUDY
@_JSON
def cancel(store: str | None, name: str | None, as_json: bool) -> None:
    """Have all who run a study end their running trials and give them back, and end themselves.

    The trials wait to be run again, with their own values; luthier forget has them count for nothing. A trial that runs
    in the process of the study itself (one worker of kind "inline") ends first.
    """
    _order(store, name, as_json, "cancel", "cancelling: everyone gives back the trials that run, and ends", "")


@click.command()
@_STORE
@_STUDY
@_JSON
def reap(store: str | None, name: str | None, as_json: bool) -> None:
    """Take back the trials of processes that are gone, without waiting for a run to do so.

    A process of this machine is gone when it does not exist any more; one of another machine when it has not renewed
    its lease in time.
    """

    def act(editor: StudyEditor) -> None:
        numbers = editor.reap()
        if as_json:
            click.echo(json_text({"study": editor.reader.name, "taken_back": list(numbers)}))
            return
        which = f"trial{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))} will be run again"
        click.echo(clean(f"{editor.reader.name}: {which if numbers else 'no trial is held by a process that is gone'}"))

    _with_editor(store, name, act)


def _order(store: str | None, name: str | None, as_json: bool, order: str, done: str, nothing: str) -> None:
    """Give an order, and say what it changes."""
    from luthier.study import Order

    def act(editor: StudyEditor) -> None:
        changed = editor.direct(Order(order))
        history, title = editor.reader.history, editor.reader.name
        if as_json:
            running = len(history.running)
            click.echo(json_text({"study": title, "order": order, "changed": changed, "running": running}))
        else:
            runs = f" ({len(history.running)} running)" if history.running else ""
            click.echo(clean(f"{title}: {done if changed else nothing}{runs}"))

    _with_editor(store, name, act)


def _with_editor(store: str | None, name: str | None, act: object) -> None:
    from luthier.cli.resolve_study import opened_editor

    assert callable(act)
    with opened_editor(store, name) as editor:
        act(editor)
