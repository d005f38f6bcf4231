"""Study of a fitted search, of Luthier's classes or of scikit-learn's."""

from __future__ import annotations

from typing import Any

from luthier._hints import translating
from luthier.errors import InvalidSetting
from luthier.run import Study
from luthier.sklearn.record import add_results, open_study
from luthier.sklearn.search import Search
from luthier.sklearn.spaces import record_space
from luthier.space import Int

_SPACES = ("param_grid", "param_distributions")


@translating({})
def study_of(search: Any) -> Study:
    """Return a fitted search as a study, with everything that studies offer.

    Args:
        search: a fitted search of this package, with a store or without; or one of scikit-learn's ``GridSearchCV``,
            ``RandomizedSearchCV`` and halving classes, also one that was unpickled.

    Returns:
        The study: of a search with a store, the one in it; else one in memory, made from the results. A search of
        several spaces has ``studies_``; this is the first of them.

    Raises:
        InvalidSetting: it is no search, or is not fitted.
    """
    if not hasattr(search, "cv_results_"):
        raise InvalidSetting(f"study_of({type(search).__name__}): give a search that is fitted: search.fit(X, y)")
    if isinstance(search, Search):
        study: Study = search.study_
        return study
    name = next((name for name in _SPACES if hasattr(search, name)), None)
    if name is None:
        raise InvalidSetting(
            f"study_of({type(search).__name__}): give a search of luthier.sklearn, or of scikit-learn's own classes"
        )
    halving = hasattr(search, "n_resources_")
    extra = {search.resource: Int(1, max(2, search.max_resources_))} if halving else None
    space = record_space(getattr(search, name), search.estimator, extra)
    title = f"{type(search).__name__} of {type(search.estimator).__name__}"
    made = open_study(None, title, {}, space.space)
    add_results(made, space, search.cv_results_, search.refit)
    return made
