"""The command ``top``: who runs a study, and how fast."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from luthier.render import clean, json_text, seconds

if TYPE_CHECKING:
    from luthier.study import Roster, Worker


@click.command()
@click.argument("store", required=False, metavar="[STORE|STUDY.toml]")
@click.option("--study", "name", metavar="NAME", help="Which study, where the store has several.")
@click.option("--follow", "-f", is_flag=True, help="Print it again every few seconds, until Ctrl-C.")
@click.option("--every", type=click.FloatRange(0.1), default=2.0, metavar="S", help="Seconds between two of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def top(store: str | None, name: str | None, follow: bool, every: float, as_json: bool) -> None:
    """Show who runs a study: processes, their trials and leases, and how many trials end in a minute."""
    from luthier.cli.resolve_study import opened_reader

    with opened_reader(store, name) as study:
        while True:
            roster = study.roster
            click.echo(json_text(roster.to_dict()) if as_json else clean(text(roster)))
            if not follow:
                return
            time.sleep(every)
            if not as_json:
                click.echo()


def text(roster: Roster) -> str:
    """Write a roster as lines of text."""
    of = f" of {roster.horizon}" if roster.horizon is not None else ""
    running = sum(len(worker.held) for worker in roster.workers)
    order = {"go on": "", "pause": _paused(running), "stop": "last order: stop", "cancel": "last order: cancel"}[
        roster.order
    ]
    counts = [
        f"{roster.trials}{of} trials begun",
        f"{running} running",
        *([f"{roster.waiting} waiting to be run again"] if roster.waiting else []),
        *([f"{roster.queued} enqueued"] if roster.queued else []),
        *([order] if order else []),
    ]
    minute, ten, hour = roster.ended
    lines = [
        f"{roster.study}: {', '.join(counts)}",
        f"ended: {minute} in the last minute, {ten} in ten, {hour} in an hour ({roster.per_minute:.1f} a minute)",
    ]
    if not roster.workers:
        lines.append("nobody runs it")
    return "\n".join([*lines, *(line for worker in roster.workers for line in _worker(worker))])


def _paused(running: int) -> str:
    """Say that no trials are begun, and what is left to wait for."""
    left = f"until {running} running {'has' if running == 1 else 'have'} ended, and then nothing" if running else ""
    return f"PAUSED: nothing is begun before luthier resume{f'; busy {left}' if left else ''}"


def _worker(worker: Worker) -> list[str]:
    states = {True: "", False: " GONE: its trials are taken back by the next run, or luthier reap", None: ""}
    pause = f" pauses after {worker.failures} failures: luthier resume" if worker.failures else ""
    lines = [f"  {worker.place}: {worker.ended} ended in ten minutes{states[worker.alive]}{pause}"]
    for trial in worker.held:
        again = f", attempt {trial.attempt}" if trial.attempt > 1 else ""
        lines.append(
            f"    trial {trial.number}{again}: for {seconds(trial.since_s)}, "
            f"last sign of life {seconds(trial.sign_s)} ago"
        )
    return lines
