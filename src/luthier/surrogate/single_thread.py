"""One thread for the libraries beneath scikit-learn: what they give must not depend on how many cores there are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def single_thread() -> AbstractContextManager[Any]:
    """Hold OpenMP and BLAS to one thread while the context lasts; scikit-learn must be there. Cost: microseconds."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limited


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401  a library that is loaded later is not seen
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
