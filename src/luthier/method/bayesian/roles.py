"""The roles of the models of `Auto`: who proposes, and by what."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.acquisition import UCB, Acquisition, AugmentedLogEI, Bindable, KnowledgeGradient, LogEI
from luthier.method.bayesian.evidence import Evidence
from luthier.surrogate import GP, Hyperpriors, Parzen

COMMITTEE, SHORT_SCALE, EXPLORING, RUGGED, HOPING = "committee", "short scale", "exploring", "rugged", "hoping"
INFORMING, SPREADING, DRAWING = "informing", "spreading", "drawing"
"""The roles of models, as they stand in notes (`ModelChoice.by`)."""

# --- models --------------------------------------------------------------------------------------

# Long length-scales: most objectives are smooth, and with these they are learned from few trials.
_LONG_SCALE = Hyperpriors(log_length=0.7)
COMMITTEE_MODELS = tuple(
    GP(scaling=scaling, hyperpriors=_LONG_SCALE) for scaling in ("standard", "half rank", "log gap")
)
# Shorter length-scales than the committee's, and noise that is expected. With long ones alone, a model takes for noise
# what it cannot explain, and the search goes round the corners of the space (Hartmann's function of six variables:
# regret 0.18 after 100 trials; with these models 0.01). Every second trial: every third, or only after a stall, was no
# better on the public suite. Where the objective is rugged they propose most trials (docs/decisions/0027).
SHORT_SCALE_MODELS = tuple(
    GP(scaling=model.scaling, hyperpriors=Hyperpriors(log_noise=-4.5, log_noise_std=1.5)) for model in COMMITTEE_MODELS
)

# Much shorter length-scales, and a margin of improvement of a tenth of the losses' standard deviation: with these a
# branch of which only a few bad points are known is tried again (`benchmarks/results/branches-2026-11.md`).
EXPLORING_MODELS = tuple(
    GP(scaling=model.scaling, hyperpriors=Hyperpriors(log_length=-3.0)) for model in COMMITTEE_MODELS
)
_WORTHWHILE = 0.1

# Of a few noisy losses one cannot tell whether little noise hides a narrow optimum or much noise a wide one, and the
# most probable model is sure of one of them. So what a measurement would teach is averaged over hyperparameters, where
# noise is declared (docs/decisions/0033). With many losses samples differ little, and cost seconds.
LEARNING_MODELS = (GP(samples=4),)
MOST_AVERAGED = 100

# Under a fidelity a scheduler measures again what seems to be good, and a finished trial is the result, so that a
# proposal is worth what it is itself. Where noise hides which trials are good, or models do not predict what they have
# not seen, one drawn near the good ones is better than theirs, which go to ends of ranges (docs/decisions/0049).
DENSITIES = Parzen()

# --- turns ---------------------------------------------------------------------------------------

_HOPES, _HOPE = 5, 2.0
"""Of the proposals for a rugged objective every fifth goes to the lowest bound of two standard deviations."""
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)
"""Multiples of it, modulo 1, are spread evenly: so the proposals for a rugged objective are, whatever their share."""
_SILVER = 2.0**0.5 - 1.0
_BRONZE = 0.5 * (13.0**0.5 - 3.0)
"""Likewise, for those of them that serve to learn, and for those that go where there are fewest trials."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The models that may propose, by their role; see the fields of `Auto`."""

    committee: tuple[GP, ...]
    short_scale: tuple[GP, ...]
    exploring: tuple[GP, ...]

    def choose(self, begun: int, evidence: Evidence, stagnant: bool, futile: float) -> tuple[str, tuple[GP, ...]]:
        """Give the role and the models that make the next proposal.

        Args:
            begun: the number of results, crashes and pending trials.
            evidence: of noise, ties and ruggedness.
            stagnant: whether the search only refines the optimum of one branch.
            futile: the share of proposals amid ties that have only repeated a known loss, in [0, 1].
        """
        exploring = stagnant and bool(self.exploring)
        if self.short_scale and not exploring and (begun * _GOLDEN) % 1.0 < evidence.rugged:
            if is_second_turn(begun, evidence.noisy):
                return INFORMING, self.short_scale[:1]
            if (begun * _BRONZE) % 1.0 < futile:
                return SPREADING, self.short_scale[:1]
            by = HOPING if begun % _HOPES == _HOPES - 1 and not futile else RUGGED
            return by, (self.short_scale[begun % len(self.short_scale)],)
        by, alone = (EXPLORING, self.exploring) if exploring else (SHORT_SCALE, self.short_scale)
        if not alone or begun % 2 == 0:
            return COMMITTEE, self.committee
        return by, (alone[begun // 2 % len(alone)],)


def is_second_turn(begun: int, share: float) -> bool:
    """Tell whether a proposal is one of this share, in [0, 1], of those of one role."""
    return (begun * _SILVER) % 1.0 < share


def acquisition_of(role: str, margin: float) -> Acquisition | Bindable:
    """Give the acquisition function of a role; `margin` is the least improvement that counts."""
    if role == EXPLORING:
        return LogEI(_WORTHWHILE)
    if role == INFORMING:
        return KnowledgeGradient()
    if role == HOPING:
        return UCB(_HOPE)
    return AugmentedLogEI(margin)
