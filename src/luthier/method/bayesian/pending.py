"""What a model is told of trials that are still running: a lie, so that it does not propose the same again.

Source: Ginsbourger, Le Riche and Carraro (2010), Kriging is well-suited to parallelize optimization, section 4, for the
believer and the constant liars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from luthier._typing import Floats
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.surrogate import Conditionable, Posterior, supports

PendingStrategy = Literal["believed", "best", "median", "worst", "ignored"]

_LIES: dict[str, Callable[[Floats], float]] = {
    "best": lambda losses: float(losses.min()),
    "median": lambda losses: float(np.median(losses)),
    "worst": lambda losses: float(losses.max()),
}


def check_pending_strategy(lie: str) -> None:
    """Raise InvalidSetting where `lie` is none."""
    if lie not in get_args(PendingStrategy):
        raise InvalidSetting(f"Bayes(pending={lie!r}): choose one of {', '.join(map(repr, get_args(PendingStrategy)))}")


def fantasize(
    model: Posterior, data: Data, pending: Floats, lie: str, refit: Callable[[Data], Posterior] | None = None
) -> Posterior:
    """Tell a posterior of pending points.

    Args:
        model: fitted to `data`.
        data: n losses.
        pending: (p, d); p may be 0.
        lie: what their losses are said to be: ``believed``, what the model expects there; ``best``, ``median`` or
            ``worst``, that of the losses so far (the best one spreads a batch most); ``ignored``, nothing.
        refit: fits the model to other data, for one that cannot be conditioned; None: such a model is left as it is.
    """
    if not len(pending) or lie == "ignored":
        return model
    if supports(model, Conditionable):
        if lie == "believed":
            return model.condition(pending)
        seen = model.moments(data.x).mean
        return model.condition(pending, np.full(len(pending), _LIES[lie](seen)))
    if refit is None:
        return model
    losses = _as_losses(model, data, pending) if lie == "believed" else np.full(len(pending), _LIES[lie](data.loss))
    nothing = np.full((len(pending), data.violations.shape[1]), np.nan)
    return refit(
        replace(
            data,
            x=np.concatenate([data.x, pending]),
            losses=np.concatenate([data.losses[:, :1], losses[:, None]]),
            violations=np.concatenate([data.violations, nothing]),
            noise=None if data.noise is None else np.append(data.noise, np.zeros(len(pending))),
            costs=np.append(data.costs, np.full(len(pending), np.nan)),
            pending=data.pending[:0],
        )
    )


def _as_losses(model: Posterior, data: Data, pending: Floats) -> Floats:
    """Turn the model's means, on a scale of its own, into losses: by where they lie among its means at the data."""
    seen = np.sort(model.moments(data.x).mean)
    believed: Floats = np.interp(model.moments(pending).mean, seen, np.sort(data.loss))
    return believed
