"""The public study, composed of its parts: ask and tell, reading, editing, analysis and the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, TypeAlias, cast, overload

from luthier._foreign_words import STUDY, STUDY_ATTRIBUTES
from luthier._hints import did_you_mean, translating, translating_methods
from luthier.analysis import EndRule, Lead
from luthier.errors import InvalidResult
from luthier.event import Transferred
from luthier.executor import Gpus, Limits, ObjectiveFunction
from luthier.history import History
from luthier.instances import Instances
from luthier.method import Method, check_method
from luthier.problem import Fidelity, Problem
from luthier.run.analyses import FrontAnalysis, StudyAnalysis, study_lead
from luthier.run.budget import Budget, End
from luthier.run.callbacks import checked_callbacks
from luthier.run.delegated import AskMethod, Delegated, PredictMethod, documented_by
from luthier.run.ending import checked_end_rule
from luthier.run.failures import Failures
from luthier.run.make_executor import Choice, make_executor, over_cases
from luthier.run.one_run import LIVE_TRIALS, run_once
from luthier.run.progress.reporter_choice import make_reporter
from luthier.run.progress.reporters import ProgressReporter
from luthier.space import Space, Variable
from luthier.stop import Rule
from luthier.store import Store
from luthier.study import ActiveTrial, AskTell, StudyEditor, StudyReader, TrialResult
from luthier.trial import Reportable

if TYPE_CHECKING:
    import pandas

    from luthier.plot import StudyPlots

Callback: TypeAlias = Callable[["Study", TrialResult], object]
"""Called after each trial of a run."""
_READER, _ASKING, _FRONTS = attrgetter("reader"), attrgetter("_asking"), attrgetter("analysis.fronts")
_EDITOR, _ANALYSIS = attrgetter("_asking.editor"), attrgetter("analysis")


@translating_methods
class Study:
    """A study: a log of trials, and a method that reads it.

    Args:
        name: the study's name. The same name in the same store is the same study, which goes on where it stopped.
        space: a `Space`, or a mapping of names to variables. May be left out where the store has the study.
        minimize: the name of the objective that is minimized, or several names.
        maximize: the name of the objective that is maximized, or several names.
        method: makes the proposals; by default `luthier.Auto`, or what the stored study used last.
        store: a path, a URL, or a store; None keeps the study in memory.
        seed: of all randomness, from 0 to 2**64 - 1; None: drawn anew, and stored.
        noisy: whether the same configuration may give different values; only then may one be tried again.
        constraints: limits of numbers that the objective returns by name, such as ``{"memory_mb": "<= 512"}``.
        fidelity: what a full evaluation spends, such as ``lt.Fidelity("epochs", 1, 81)``, where less tells something;
            or several that go up together.
        stop: the rule that stops trials early, or pauses and promotes them; by default what the stored study used last.
        instances: what a configuration is to be good on, such as ``lt.Instances(["a.cnf", "b.cnf"], seeds=5)``.
        cost: the name of what a trial costs, which the objective returns, such as "dollars"; or "seconds". Methods then
            look for the most improvement per cost.

    Raises:
        InvalidSpace, InvalidSetting: an argument makes no sense, or the method could not be read back from the store.
        StudyMismatch: the store has another study of this name; see `change` to alter its space.
        StudyNotFound: there is no space, and the store has no such study.
        StoreError: the store cannot be used.
    """

    @translating(STUDY)
    def __init__(
        self,
        name: str,
        space: Space | Mapping[str, Variable] | None = None,
        *,
        minimize: str | Sequence[str] = (),
        maximize: str | Sequence[str] = (),
        method: Method | None = None,
        store: str | Path | Store | None = None,
        seed: int | None = None,
        noisy: bool = False,
        constraints: Mapping[str, str] | None = None,
        fidelity: Fidelity | Sequence[Fidelity] | None = None,
        stop: Rule | None = None,
        instances: Instances | None = None,
        cost: str | None = None,
    ) -> None:
        goal: dict[str, Any] = {"minimize": minimize, "maximize": maximize, "constraints": constraints, "noisy": noisy}
        rest: dict[str, Any] = {"method": method, "store": store, "seed": seed, "fidelity": fidelity}
        rest |= {"stop": stop, "instances": instances, "cost": cost}
        self._asking = AskTell(name, space, **goal, **rest)
        self._analysis = StudyAnalysis(self._asking)
        self._stop: threading.Event | None = None

    @property
    def reader(self) -> StudyReader:
        """The study, to be read: more than is here, such as its reports, leases and JSON form."""
        return self._asking.reader

    @property
    def name(self) -> str:
        """The study's name."""
        return self.reader.name

    @property
    def history(self) -> History:
        """Everything that is known now, the work of other processes included."""
        return self.reader.history

    @property
    def settled(self) -> History | None:
        """The history from which the next trial is proposed; None while a deterministic run waits for an outcome."""
        return self._asking.settled

    @property
    def problem(self) -> Problem:
        """The space and the objectives."""
        return self.reader.problem

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self.reader.space

    @property
    def seed(self) -> int:
        """The seed of all the study's randomness."""
        return self.reader.seed

    @property
    def notes(self) -> str:
        """The notes that people gave the study; see `annotate`."""
        return self.reader.notes

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that people gave the study; see `annotate`."""
        return self.reader.tags

    @property
    def sources(self) -> tuple[Transferred, ...]:
        """The results of other tasks that the study learns from; see `transfer_from`."""
        return self.reader.sources

    @documented_by(StudyReader.folder)
    def folder(self, trial: ActiveTrial | TrialResult | int) -> Path:
        """Give the folder of a trial's files, which may not exist."""
        return self.reader.folder(trial.number if isinstance(trial, ActiveTrial | TrialResult) else trial)

    @property
    def method(self) -> Method:
        """The method that makes the proposals; another one may be set at any time."""
        return self._asking.method

    @method.setter
    def method(self, method: Method) -> None:
        check_method(method)
        self._asking.method = method

    @property
    def rule(self) -> Rule | None:
        """The rule that stops trials early (``stop=…``); another one, or None, may be set at any time."""
        return self._asking.rule

    @rule.setter
    def rule(self, rule: Rule | None) -> None:
        self._asking.rule = rule

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """All trials in order of number. Cost O(trials)."""
        return self.reader.trials

    trial = Delegated(_READER, StudyReader.trial)
    elapsed_s = Delegated(_READER, StudyReader.elapsed_s)

    @property
    def spent(self) -> float:
        """What the study's trials have cost, as far as known: in the unit of its cost, or else in seconds."""
        return self.reader.history.spent

    @property
    def best(self) -> TrialResult:
        """The best trial so far. Cost O(1).

        Raises:
            NoResult: no trial has a value and keeps the outcome constraints.
            InvalidSetting: there are several objectives; read `front`.
        """
        return self.reader.best

    @property
    def best_params(self) -> dict[str, Any]:
        """The values of the best trial's variables."""
        return self.reader.best_params

    @property
    def best_value(self) -> float:
        """The best value so far."""
        return self.reader.best_value

    @property
    def front(self) -> tuple[TrialResult, ...]:
        """The trials that no other trial dominates (at least as good everywhere, better somewhere)."""
        return self.reader.front

    def to_frame(self, *, predictions: bool = False) -> pandas.DataFrame:
        """Give the trials as a pandas DataFrame (needs pandas). See `StudyReader.rows` for the columns.

        With `predictions` also ``predicted.NAME`` and ``predicted_std.NAME`` of each objective, as by `predict`.
        """
        return self.reader.to_frame(self._analysis.predicted_columns() if predictions else None)

    def __len__(self) -> int:
        return len(self.reader)

    def __bool__(self) -> bool:
        return True  # also without trials

    def __repr__(self) -> str:
        return repr(self.reader)

    def _repr_html_(self) -> str:
        return self.reader._repr_html_()

    # --- asking and telling -----------------------------------------------------------------------------

    ask = cast(AskMethod, Delegated(_ASKING, AskTell.ask))
    take = Delegated(_ASKING, AskTell.take)
    tell = Delegated(_ASKING, AskTell.tell)
    finish = Delegated(_ASKING, AskTell.finish)
    should_stop = Delegated(_ASKING, AskTell.should_stop)
    set = Delegated(_ASKING, AskTell.set)
    release = Delegated(_ASKING, AskTell.release)
    verify = Delegated(_ASKING, AskTell.verify)

    def __reduce__(self) -> NoReturn:
        self.reader.__reduce__()

    @documented_by(AskTell.close)
    def close(self) -> None:
        """Give back running trials and close the store, if this study opened it. Idempotent."""
        self._asking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @overload
    def report(self, path: str | Path, /, *, form: str | None = None) -> Path: ...

    @overload
    def report(self, trial: ActiveTrial | int, value: Reportable, step: int | None = None) -> None: ...

    def report(
        self,
        trial: ActiveTrial | int | str | Path,
        value: Reportable | None = None,
        step: int | None = None,
        *,
        form: str | None = None,
    ) -> Path | None:
        """Write a page about the study that needs no network: ``study.report("report.html")``, or ``.md``.

        Args:
            path: of the page; what is there is replaced.
            trial, value, step: or a running trial, and an intermediate result of it, as by its own method `report`.
            form: ``html`` or ``md`` (Markdown, for a pull request), where the path does not say.

        Raises:
            NoResult: the study has no trials.
            InvalidSetting: the format cannot be told, the path is that of a store, or its folder is missing.
        """
        if isinstance(trial, str | Path):
            from luthier.report import write_report

            return write_report(self, trial if isinstance(trial, Path) else str.__str__(trial), form)
        if value is None:
            raise InvalidResult(f"study.report({trial!r}) needs a value; or a path, for a page about the study")
        self._asking.report(trial, value, step)
        return None

    enqueue = Delegated(_EDITOR, StudyEditor.enqueue)
    enqueue_many = Delegated(_EDITOR, StudyEditor.enqueue_many)
    add = Delegated(_EDITOR, StudyEditor.add)
    add_many = Delegated(_EDITOR, StudyEditor.add_many)
    retry = Delegated(_EDITOR, StudyEditor.retry)
    forget = Delegated(_EDITOR, StudyEditor.forget)

    learn_from = Delegated(_EDITOR, StudyEditor.learn_from)
    transfer_from = Delegated(_EDITOR, StudyEditor.transfer_from)
    change = Delegated(_EDITOR, StudyEditor.change)
    annotate = Delegated(_EDITOR, StudyEditor.annotate)
    prefer = Delegated(_EDITOR, StudyEditor.prefer)
    direct = Delegated(_EDITOR, StudyEditor.direct)
    reap = Delegated(_EDITOR, StudyEditor.reap)

    @documented_by(StudyReader.copy)
    def copy(self, store: str | Path | Store | None = None, name: str | None = None) -> Study:
        """Copy the study, as it is now, into another store or under another name, and open the copy."""
        self.reader.copy(store, name)
        called, where = self.name if name is None else name, self.reader.store if store is None else store
        return Study(called, self.space, method=self.method, store=where)

    @property
    def analysis(self) -> StudyAnalysis:
        """What the log says: all analyses of the study, each of which is also a method of it."""
        return self._analysis

    @property
    def plot(self) -> StudyPlots:
        """The pictures of the study: ``study.plot.history()``, and so on; see `luthier.plot.StudyPlots`."""
        from luthier.plot import StudyPlots

        return StudyPlots(self.reader, self._analysis)

    explain = Delegated(_ANALYSIS, StudyAnalysis.explain)

    predict = cast(PredictMethod, Delegated(_ANALYSIS, StudyAnalysis.predict))
    expected_best = Delegated(_ANALYSIS, StudyAnalysis.expected_best)
    calibration = Delegated(_ANALYSIS, StudyAnalysis.calibration)
    predicted_columns = Delegated(_ANALYSIS, StudyAnalysis.predicted_columns)
    importance = Delegated(_ANALYSIS, StudyAnalysis.importance)
    dependence = Delegated(_ANALYSIS, StudyAnalysis.dependence)
    dependence_surface = Delegated(_ANALYSIS, StudyAnalysis.dependence_surface)
    forecast = Delegated(_ANALYSIS, StudyAnalysis.forecast)
    ablation = Delegated(_ANALYSIS, StudyAnalysis.ablation)
    smallest_change = Delegated(_ANALYSIS, StudyAnalysis.smallest_change)
    acquisition_surface = Delegated(_ANALYSIS, StudyAnalysis.acquisition_surface)
    hypervolume = Delegated(_FRONTS, FrontAnalysis.hypervolume)
    knee = Delegated(_FRONTS, FrontAnalysis.knee)
    choose = Delegated(_FRONTS, FrontAnalysis.choose)
    preferred = Delegated(_FRONTS, FrontAnalysis.preferred)

    def lead(self, over: ActiveTrial | TrialResult | int | None = None) -> Lead:
        """Give by how much the best trial leads another one, beside the noise of that difference.

        Args:
            over: a trial or its number; None: the one that has the defaults of all variables.

        Raises:
            NoResult: the other trial has no value, no trial has the defaults, or there is no best one.
            InvalidSetting: there are several objectives.
            TrialNotFound: there is no such trial.
        """
        return study_lead(self.reader, self._analysis, over)

    def run(
        self,
        objective: ObjectiveFunction,
        *,
        trials: int | None = None,
        time_s: float | None = None,
        target: float | None = None,
        plateau: int | None = None,
        cost: float | None = None,
        evaluations: int | None = None,
        stop: Literal["not worth it"] | EndRule | None = None,
        workers: int | None = None,
        executor: Choice = None,
        gpus: Gpus | None = None,
        deterministic: bool | int = False,
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
        callbacks: Iterable[Callback] = (),
        on_error: Literal["go on", "raise", "pause"] = "go on",
        give_up_after: int | None = 10,
        progress: ProgressReporter | bool = False,
        live: bool = False,
    ) -> End:
        """Evaluate the objective at the method's proposals, until the budget is spent.

        The budget is the study's, over all runs and processes: after a run that was stopped, the same call goes on to
        the same end. Without one, the run says so, and ends when everything was tried, or by Ctrl-C. The first Ctrl-C
        waits for the running trials; the second, or SIGTERM, gives them back at once, and they are run again on resume.

        Args:
            objective: a function of a running trial (``trial["x"]``, ``trial.params``, ``trial.report(…)``); it returns
                a number, or a mapping that has the objectives by name. In a study with instances it is called for each
                case of a trial (``trial.instance``, ``trial.seed``).
            trials: the number of trials that the study has in the end, failed ones included, imported ones not.
            time_s: seconds that the study runs; the trials that run then are finished.
            target: a value that is good enough.
            plateau: the number of trials in a row that may end without a better value than the best.
            cost: what the trials may cost in all, in the unit of the study's cost, or else in seconds of trials. No
                trial begins once this is spent, or is expected to be by those that run.
            evaluations: in a study with instances, the cases that all trials have had in the end; likewise.
            stop: "not worth it", or a rule such as ``lt.NotWorthIt(price=0.001)``, that ends the run once more trials
                are not worth it; see `history.ended` for its reason.
            workers: the number of trials at once; more than one run in supervised processes. By default one.
            executor: "inline", "threads", "processes", "dask", "ray", "slurm", …; a URL of such a cluster, or an object
                of its library; an executor of `concurrent.futures`; or a function of the objective and the number of
                workers that makes one.
            gpus: those of this machine, as in "0,1": each worker sees one of them (CUDA_VISIBLE_DEVICES).
            deterministic: True makes the same trials whatever the timing of the workers: each proposal waits for the
                outcomes up to the trial begun `workers` before it. A number does so for any number of workers. A study
                with a rule (`stop`) takes one worker for this.
            trial_time_s: seconds after which a trial is ended as TIMEOUT; it then runs in a process of its own.
            trial_memory_mb: megabytes above which a trial is ended as MEMORY; likewise.
            callbacks: functions of the study and the result, called after each trial. An exception of one ends the run.
            on_error: "go on" after a trial that failed, or "raise"; or "pause" after `give_up_after` of them.
            give_up_after: how many trials in a row may fail in the same way before the run ends; None: any number.
            progress: True shows a bar in a notebook, elsewhere a line every few seconds; or a `ProgressReporter`.
            live: in a notebook, show a picture that follows the run, too; elsewhere the same as progress=True.

        Returns:
            The reason why the run ended.

        Raises:
            Interrupted: by Ctrl-C or SIGTERM. It is a KeyboardInterrupt, too.
            TrialFailed: see `on_error` and `give_up_after`.
            InvalidSetting, Infeasible, Exception: an argument makes no sense; as `ask`; what a callback raised.
            StoreError: the store cannot be used; the trials that ran are run again on resume.
        """
        budget = Budget(trials, time_s, target, plateau, cost, evaluations)
        budget.check_problem(self.history)
        rule = checked_end_rule(stop, self.problem)
        limits = Limits(trial_time_s, trial_memory_mb)
        failures = Failures(on_error, give_up_after)
        reporter = make_reporter(progress, live, self.reader, budget)
        checked = checked_callbacks(callbacks)
        made = make_executor(executor, over_cases(objective, self.problem, self.seed), workers, limits, gpus)
        self._stop = threading.Event()
        given = (made, budget, limits, checked, failures, reporter, deterministic, rule)
        return run_once(self, self._asking, *given, self._analysis.thinned(LIVE_TRIALS).forecast)

    def stop(self) -> None:
        """End the present run: no new trials; `run` returns when the running ones have ended. From any thread."""
        if self._stop is not None:
            self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called during the present run."""
        return self._stop is not None and self._stop.is_set()

    if not TYPE_CHECKING:  # else a checker would take every name

        def __getattr__(self, name):
            ours = STUDY_ATTRIBUTES.get(name)
            hint = f": use study.{ours}" if ours else did_you_mean(name, dir(type(self)))
            raise AttributeError(f"a Study has no attribute {name!r}{hint}")
