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
    Trials that run are not held up: each goes on to its end, and then its worker waits. See how many are left by
    luthier top. To have them given back at once: luthier cancel.
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
            runs = _still_running(order, len(history.running))
            click.echo(clean(f"{title}: {done if changed else nothing}{runs}"))

    _with_editor(store, name, act)


def _still_running(order: str, count: int) -> str:
    """Say what becomes of the trials that run; empty where there are none."""
    if not count:
        return ""
    if order != "pause":
        return f" ({count} running)"
    trials = (
        "the trial that runs goes on to its end" if count == 1 else f"the {count} trials that run go on to their end"
    )
    return f"; {trials}, which luthier top shows, and then nothing runs"


def _with_editor(store: str | None, name: str | None, act: object) -> None:
    from luthier.cli.resolve_study import opened_editor

    assert callable(act)
    with opened_editor(store, name) as editor:
        act(editor)
