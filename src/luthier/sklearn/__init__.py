"""Search classes for scikit-learn: drop-in, durable, and Bayesian. Needs the extra ``sklearn``.

The parts, and where to add to them (see docs/decisions/0010-search-classes.md):

- `search.Search`: ``fit`` of all five classes, in the order of scikit-learn's. Everything else (``score``, ``predict``,
  tags, routing, the format of ``cv_results_``) is inherited from scikit-learn's own classes.
- Candidates: ``_run_search(evaluate_candidates, callback_ctx)``, scikit-learn's own extension point, implemented by
  `grid` and `halving` (lists that are known beforehand, made by `candidates`). `bayes` asks a study (`hunt`), in
  ``_explore``. They evaluate nothing.
- Schedule (`session.Schedule`): which pairs (candidate, fold) are evaluated, in rounds, with the results of each round
  given back to it. ``Search._schedule()`` makes it; the default evaluates everything in one round. `racing.Race` stops
  candidates that are beaten; `partial` has what stands for the folds left out, and marks them in ``cv_results_``.
- Evaluation (`evaluation.Evaluator`): one pair (candidate, fold) to a mapping of scores and times, in whatever process
  joblib runs it, and which pairs are best done together. ``Search._evaluator()`` makes it: `prefix.Prefixes` (with
  `fingerprint`, `pieces`, `shelf`, `watched`) shares the first steps of pipelines, and evaluates last steps by
  themselves where that is the same (`direct`) or from one another (`tail`, with `paths` and `ridge`); all else is
  scikit-learn's own fit and score.
- Session (`session.Session`): one fit: runs the rounds by joblib, tells the record and the progress, and has
  ``Search._format_results`` (scikit-learn's) make ``cv_results_`` of the results.
- Selection: ``_select_best_index`` (scikit-learn's) chooses the winner; ``Search._conclude(session)`` is called when
  all results are there and before the winner is chosen and refitted. `simplicity` chooses within one standard error;
  `estimate` makes ``best_estimate_`` from ``cv_results_``, when it is asked for.
  Public attributes that a search with default arguments has and scikit-learn's lacks fail one of its tests, which lists
  ``dir(search)``: set new ones only where they are asked for.
- Record (`record`): what makes a search durable: a study in which each candidate is a trial.
- `spaces` reads what users write as search spaces; `scikit` is the one place that imports scikit-learn's private names.
"""

from __future__ import annotations

from luthier.errors import MissingDependency

try:
    import sklearn  # noqa: F401
except ImportError:
    raise MissingDependency("luthier.sklearn needs scikit-learn: pip install 'luthier[sklearn]'") from None

from luthier.sklearn.bayes_search import BayesSearchCV
from luthier.sklearn.grid_search import GridSearchCV, RandomizedSearchCV
from luthier.sklearn.halving_search import HalvingGridSearchCV, HalvingRandomSearchCV
from luthier.sklearn.racing.race import Racing
from luthier.sklearn.selection.bias_correction import Estimate

__all__ = [
    "BayesSearchCV",
    "Estimate",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "Racing",
    "RandomizedSearchCV",
]
