"""The progress reporter of a run: silent, in lines, in a notebook, or one's own."""

from __future__ import annotations

from importlib.util import find_spec

from luthier.errors import InvalidSetting, MissingDependency
from luthier.run.budget import Budget
from luthier.run.progress.notebook import NotebookReporter, live_history, notebook_shell
from luthier.run.progress.reporters import LineReporter, ProgressReporter, SilentReporter
from luthier.run.progress.tally import tally_of
from luthier.scalar import short
from luthier.study import StudyReader

_PARTS = ("began", "ended", "notice")


def make_reporter(choice: ProgressReporter | bool, live: bool, study: StudyReader, budget: Budget) -> ProgressReporter:
    """Make the progress reporter of a run.

    Args:
        choice: True: in a notebook a bar that is updated in place, elsewhere a line every few seconds; False: silent;
            or a reporter.
        live: whether a notebook also has a picture that follows the run; elsewhere there are lines.
        study: that is run.
        budget: of the study.

    Raises:
        InvalidSetting: `choice` is no reporter, or there is one and `live`, too.
        MissingDependency: `live` in a notebook needs matplotlib, which is not installed.
    """
    if not isinstance(live, bool):
        raise InvalidSetting(f"live={live!r}: give True for a picture that follows the run in a notebook, or False")
    if not isinstance(choice, bool):
        missing = [name for name in _PARTS if not callable(getattr(type(choice), name, None))]
        if missing:
            raise InvalidSetting(
                f"progress={short(choice)}: give True, False, or a reporter with {', '.join(_PARTS)} "
                "(see luthier.run.ProgressReporter)"
            )
        if live:
            raise InvalidSetting("live=True shows the progress itself: leave progress out, or live")
        return choice
    if not choice and not live:
        return SilentReporter()
    if notebook_shell() is None:
        return LineReporter(total=budget.trials, cost=budget.cost)
    tally = tally_of(study.problem, budget.trials, budget.time_s, study.trials, budget.cost)
    if live and find_spec("matplotlib") is None:
        raise MissingDependency("live=True needs matplotlib: pip install 'luthier[plot]'; or use progress=True")
    return NotebookReporter(study.name, tally, live_history if live else None)
