"""The study of a study file, opened; all that the file says is looked at before anything is written."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from luthier.cli.objective.shell_command import Command
from luthier.cli.resolve_study import opened_place, opened_store
from luthier.cli.studyfile.instance_files import check_instance_files
from luthier.cli.studyfile.read import StudyFile
from luthier.errors import InvalidFile, InvalidSetting, StoreError, StudyMismatch, StudyNotFound
from luthier.run import Study

_LIBRARIES = {
    "dask": "distributed",
    "ray": "ray",
    "slurm": "submitit",
    "spark": "pyspark",
    "loky": "loky",
    "joblib": "joblib",
}
"""What an executor of another library needs."""
_EXTRAS = ("dask", "ray", "slurm", "spark")


def opened_plan(plan: StudyFile, change_space: bool) -> Study:
    """Open the study of a study file, or begin it, with what it learns from.

    Raises:
        InvalidFile: the file names a function, a file or a study that is not there or does not fit. Where the study
            would begin, nothing was written.
        StudyMismatch: the store has another study of this name.
    """
    stored = _is_stored(plan)
    if not stored:
        _check_first_run(plan)
    if change_space and stored:
        study = _study(plan, space=False, store=plan.store)
        study.change(plan.space)
    else:
        study = _study(plan, store=plan.store)
    try:
        if plan.transfer and not study.sources:  # once: the other stores may go, or grow
            if stored:
                _rehearse(plan)
            _transfer(plan, study)
    except BaseException:
        study.close()
        raise
    return study


def check_instances(plan: StudyFile) -> None:
    """Refuse instances that are files and are not there; raises InvalidFile."""
    if plan.instances is None:
        return
    folder = plan.source.path.parent
    folders = [folder] if isinstance(plan.objective, Command) else [*dict.fromkeys((Path(), folder))]
    try:
        check_instance_files(plan.instances, plan.instance_files, folders)
    except InvalidSetting as error:
        raise plan.source.error(("study", "instances"), f"instances: {error}") from None


def _check_first_run(plan: StudyFile) -> None:
    """Refuse what would end the first run before its first trial, and would leave an empty study in the store."""
    check_instances(plan)
    library = _LIBRARIES.get(plan.kind)
    if library is not None and find_spec(library) is None:
        how = f"pip install 'luthier[{plan.kind}]'" if plan.kind in _EXTRAS else f"pip install {library}"
        raise plan.source.error(("executor", "kind"), f"kind = {plan.kind!r} needs {library}: {how}")
    if not isinstance(plan.objective, Command):
        plan.objective.load()
    if plan.transfer:
        _rehearse(plan)


def _rehearse(plan: StudyFile) -> None:
    """Record the results of all other tasks in a study in memory: all of them fit, or none is recorded."""
    with _study(plan, store=None) as rehearsed:
        _transfer(plan, rehearsed)


def _study(plan: StudyFile, *, store: str | None, space: bool = True) -> Study:
    goals: dict[str, Any] = {"minimize": plan.minimize, "maximize": plan.maximize, "constraints": plan.constraints}
    rest: dict[str, Any] = {"method": plan.method, "store": store, "seed": plan.seed, "noisy": plan.noisy}
    rest |= {"fidelity": plan.fidelity, "stop": plan.stop, "cost": plan.cost, "instances": plan.instances}
    return Study(plan.name, plan.space if space else None, **goals, **rest)


def _transfer(plan: StudyFile, study: Study) -> None:
    """Record the results of the other tasks that the file names."""
    for source in plan.transfer:
        try:
            with opened_place(source.place) as other:
                study.transfer_from(other, **source.settings)
        except StudyMismatch as error:
            how = (
                f'in a file: transfer = [{{study = "{source.place}", names = {{…}}, objectives = {{…}}, ignore = […]}}]'
            )
            raise _no_source(plan, source.place, f"{error} ({how})") from None
        except (StoreError, StudyNotFound, InvalidSetting) as error:
            raise _no_source(plan, source.place, str(error)) from None


def _no_source(plan: StudyFile, place: str, why: str) -> InvalidFile:
    return plan.source.error(("study", "transfer"), f"cannot learn from {place!r}: {why}")


def _is_stored(plan: StudyFile) -> bool:
    if "://" not in plan.store and not Path(plan.store).expanduser().exists():
        return False
    try:
        with opened_store(plan.store) as store:
            return plan.name in store.names()
    except StoreError:  # a URL of what is not there yet; or what is wrong is found when it is opened in earnest
        return False
