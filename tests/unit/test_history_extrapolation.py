"""Losses of trials that spent less than the full fidelity: by hand, and as a method sees them."""

from __future__ import annotations

import numpy as np
import pytest

import luthier as lt
from luthier.data import LearningCurves
from luthier.history.tables.extrapolation import extrapolate

EPOCHS = lt.Fidelity("epochs", 1, 9)


def curves(*given: dict[int, float]) -> LearningCurves:
    numbers = np.arange(len(given))
    rows = [(number, step, loss) for number, curve in enumerate(given) for step, loss in sorted(curve.items())]
    trial, step, loss = (np.array(column) for column in zip(*rows, strict=True))
    return LearningCurves(numbers, np.zeros((len(given), 1)), trial, step, loss.astype(float)[:, None])


def test_a_loss_changes_as_those_of_the_trials_that_went_on() -> None:
    """Levels 1, 3, 9. From 1 to 3 two trials fell by 1, and from 3 to 9 one by 0.5; a slope of 1 in both cases."""
    reports = curves({1: 4.0, 3: 3.0}, {1: 5.0, 3: 4.0}, {1: 7.0}, {1: 4.5, 2: 4.4})
    found = extrapolate(reports, EPOCHS, np.array([0]), np.array([2.5]))
    assert found.numbers.tolist() == [1, 2, 3]
    assert found.losses == pytest.approx([3.5, 5.5, 3.0])
    assert found.share == pytest.approx([0.5, 0.0, 0.0])


def test_the_slope_is_between_that_of_the_trials_and_one() -> None:
    """Losses 0, 2, 4 became 0, 1, 2: the slope is 1/2, and four trials' weight draws it to 11/14."""
    reports = curves({1: 0.0, 9: 0.0}, {1: 2.0, 9: 1.0}, {1: 4.0, 9: 2.0}, {1: 10.0})
    found = extrapolate(reports, lt.Fidelity("epochs", 1, 9), np.array([0, 1, 2]), np.array([0.0, 1.0, 2.0]))
    # Level 3 has nobody: nothing is known of what changes there, and the step from 1 to 9 is not one of the chain.
    assert found.numbers.tolist() == [3] and found.losses == pytest.approx([10.0])
    near = curves({1: 0.0, 3: 0.0}, {1: 2.0, 3: 1.0}, {1: 4.0, 3: 2.0}, {1: 10.0})
    found = extrapolate(near, EPOCHS, np.empty(0, int), np.empty(0))
    assert found.losses[3] == pytest.approx(1.0 + 11 / 14 * (10.0 - 2.0))


@pytest.mark.parametrize("far", [(1e30, 1e35), (1e308, 1.7e308), (-1e308, 1e308), (2.25, 1e35), (2.25, 1.7e308)])
def test_what_diverged_tells_nothing_of_the_others(far: tuple[float, float]) -> None:
    given = [{1: float(one), 3: float(one) - 0.5} for one in range(9)] + [{1: far[0], 3: far[1]}, {1: 2.5}]
    found = extrapolate(curves(*given), EPOCHS, np.empty(0, int), np.empty(0))
    assert found.losses[-1] == pytest.approx(2.0)
    assert np.isfinite(found.losses).all()


def test_the_order_at_a_level_is_kept_where_it_says_nothing_of_the_next() -> None:
    """The best ones became the worst: a falling line would turn the order round, and a level one make all of them tie.

    The paused ones rank as they did, close together: a tenth of what they differed by.
    """
    crossed = [{1: float(one), 3: 20.0 - 3.0 * one} for one in range(8)] + [{1: 9.0}, {1: 8.0}, {1: 11.0}]
    paused = extrapolate(curves(*crossed), EPOCHS, np.empty(0, int), np.empty(0)).losses[8:]
    assert paused[[0, 2]] - paused[1] == pytest.approx([0.1, 0.3])


def test_paused_trials_teach_and_are_not_pending() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0, fidelity=EPOCHS)
    assert study.rule == lt.ASHA()  # what suits a fidelity, where no rule is given
    study.run(lambda trial: float(trial["x"]) + 1.0 / (trial.until or 1), trials=12)
    running = study.ask()
    data = study.history.data(study.problem)
    assert len(data) + len(data.stopped) == 12 and len(data.pending) == 1
    whole = data.with_stopped()
    assert whole.share is not None and len(whole.share) == len(whole) == 12
    assert (whole.share[: len(data)] == 1.0).all() and whole.share.min() == 0.0
    assert np.isfinite(whole.losses).all()
    study.tell(running, failed="no")


@pytest.mark.parametrize(
    "method", [lt.Auto(), lt.Bayes(), lt.Bayes(lt.Parzen(), lt.EI()), lt.Bayes(lt.Forest(), lt.EI())]
)
def test_methods_learn_from_rungs_before_any_trial_is_done(method: lt.Auto | lt.Bayes) -> None:
    study = lt.Study(
        "s",
        {"x": lt.Float(0, 1)},
        minimize="y",
        method=method,
        seed=0,
        fidelity=EPOCHS,
        stop=lt.SuccessiveHalving(trials=40),
    )
    tried = []
    for _ in range(16):
        trial = study.ask()
        tried.append(float(trial["x"]))
        study.tell(trial, (trial["x"] - 0.7) ** 2)
    assert study.history.finished == 0 and study.verify().ok
    assert np.median(np.abs(np.array(tried[12:]) - 0.7)) < np.median(np.abs(np.array(tried[:8]) - 0.7))


def test_a_gaussian_process_has_the_fidelity_as_one_more_input() -> None:
    """At the full fidelity it goes by the losses there, at the lowest by those there; their optima differ."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(40, 1))
    share = np.repeat([0.0, 1.0], 20)
    losses = np.where(share > 0, (x[:, 0] - 0.8) ** 2, (x[:, 0] - 0.2) ** 2)
    space = lt.Space({"x": lt.Float(0, 1)})
    from luthier.data import Data
    from luthier.key import Key
    from luthier.memo import Memo

    empty = np.empty((0, 1))
    data = Data(
        space.columns, x, losses[:, None], np.empty((40, 0)), None, np.full(40, np.nan), empty, empty, share=share
    )
    posterior = lt.GP().fit(data, Key.of(0), Memo())
    grid = np.linspace(0, 1, 101)[:, None]
    assert abs(grid[posterior.moments(grid).mean.argmin(), 0] - 0.8) < 0.05
    low = np.column_stack([grid, np.zeros(101)])
    assert abs(grid[posterior.moments(low).mean.argmin(), 0] - 0.2) < 0.05
    gradient = posterior.moments_grad(grid)  # type: ignore[union-attr]
    step = 1e-6
    ahead, behind = posterior.moments(grid + step), posterior.moments(grid - step)
    assert gradient.mean_grad[:, 0] == pytest.approx((ahead.mean - behind.mean) / (2 * step), abs=1e-4)
    conditioned = posterior.condition(np.array([[0.5]]))  # type: ignore[union-attr]
    assert conditioned.moments(np.array([[0.5]])).variance < posterior.moments(np.array([[0.5]])).variance
    assert posterior.log_lengths().shape == (1,)  # type: ignore[union-attr]
