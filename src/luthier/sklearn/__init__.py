"""Search classes for scikit-learn: drop-in, durable, and Bayesian. Needs the extra ``sklearn``.

The parts, and where to extend them (see docs/decisions/0010-search-classes.md):

- `search.Search`: ``fit`` of all five classes, step by step as in scikit-learn. Everything else (``score``,
  ``predict``, tags, routing, the format of ``cv_results_``) is inherited from scikit-learn's own classes.
- Candidates: ``_run_search(evaluate_candidates, callback_ctx)``, scikit-learn's own extension point, implemented by
  `grid_search` and `halving_search` (lists that are known beforehand). `bayes_search` asks a study (`bayes_loop`), in
  ``_explore``. They evaluate nothing.
- Schedule (`fold_schedule.FoldSchedule`): which pairs (candidate, fold) are evaluated, in rounds whose results are sent
  back to it. ``Search._schedule()`` makes it; by default everything is evaluated in one round. `racing` stops beaten
  candidates, imputes the scores of the folds left out, and marks them in ``cv_results_``.
- Evaluation (`evaluation.Evaluator`): one pair (candidate, fold) to a mapping of scores and times, in any process, and
  which pairs are best evaluated together. ``Search._evaluator()`` makes it: `reuse.SharedSteps` shares the fits that
  candidates have in common; with ``cache_mb=0`` that package is not even imported, and everything is scikit-learn's own
  fit and score.
- Runner (`job_runner.JobRunner`): runs the jobs of a round: joblib, which survives the death of workers, or supervised
  processes, which keep limits of time and memory. ``Search._runner()`` makes it.
- Session (`session.Session`): one fit: has the runner run the rounds, informs the record and the progress, ends where
  the budget (`search_budget`) is spent, and has ``_format_results`` (scikit-learn's) make ``cv_results_``. Whatever
  ends a fit, also Ctrl-C, ``Search._keep`` makes results of what was evaluated.
- Selection (`selection`): ``_select_best_index`` (scikit-learn's) chooses the winner, or the one-standard-error rule;
  ``best_estimate_`` is made from ``cv_results_`` when it is accessed.
  Public attributes that a search with default arguments has and scikit-learn's lacks fail one of its tests, which lists
  ``dir(search)``: set new ones only if they are asked for.
- Record (`record`): what makes a search durable: a study in which each candidate is a trial.
- `spaces` parses search spaces; `worker_objective` is the objective of worker processes; `private_api` is the only file
  that uses scikit-learn's private names.
"""

from __future__ import annotations

from luthier.errors import MissingDependency

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingDependency("luthier.sklearn needs scikit-learn: pip install 'luthier[sklearn]'") from None

from luthier.sklearn.bayes_search import BayesSearchCV
from luthier.sklearn.fitted_study import study_of
from luthier.sklearn.grid_search import GridSearchCV, RandomizedSearchCV
from luthier.sklearn.halving_search import HalvingGridSearchCV, HalvingRandomSearchCV
from luthier.sklearn.racing import Racing
from luthier.sklearn.selection import Estimate

__all__ = [
    "BayesSearchCV",
    "Estimate",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "Racing",
    "RandomizedSearchCV",
    "study_of",
]


def __dir__() -> list[str]:
    return sorted(__all__)
