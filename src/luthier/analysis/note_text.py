"""The words for what methods note about their proposals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from luthier.method import notes

_BY: Final = {
    "design": "one of the first trials, which fill the space",
    "rest": "one of the last configurations of a small space",
    "random": "drawn at random, as the sequence brought nothing new",
    "anneal": "drawn near a good trial",
    "cma": "drawn from the distribution of CMA-ES",
    "de": "a child in differential evolution",
    "nsga2": "a child in NSGA-II",
    "nsga3": "a child in NSGA-III",
    "prior": "drawn from the prior",
    "best": "drawn near the best trial",
    "committee": "several models together: the highest mean of their acquisition values",
    "short scale": "one model alone, with shorter length-scales, as for every second proposal",
    "rugged": "one model alone, with shorter length-scales: small differences seem to be noise, or ruggedness",
    "hoping": "one model alone, by the lowest bound: small differences seem to be noise, or ruggedness",
    "informing": "one model alone, by what the measurement would teach about the optimum: the losses seem to be noisy",
    "drawing": "drawn near the good trials: models predict little of the losses, and rungs will tell",
    "spreading": "where fewest trials are: near the good ones, trials only repeat known results",
    "exploring": "the best trials are all but the same, so one model alone looks for much better ones elsewhere",
}
_EARLIER: Final = {"doubter": "short scale", "explorer": "exploring"}
"""What logs of earlier versions call the roles of models."""
_MOVED: Final = {"known": "what was drawn had been tried already", "infeasible": "what was drawn was infeasible"}
_PARTS: Final = (
    notes.GridPlace,
    notes.QuasiPlace,
    notes.RestPlace,
    notes.AnnealingDraw,
    notes.Repeated,
    notes.Repaired,
    notes.StatePlace,
    notes.StateOpening,
    notes.Redrawn,
    notes.SlotChild,
    notes.ModelChoice,
    notes.PortfolioChoice,
    notes.ProposedBy,
)


def describe_note(note: Mapping[str, Any]) -> str:
    """Put a note into words; fields that no method of this version writes follow as they are.

    Example:
        >>> describe_note({"by": "anneal", "rank": 2, "share": 0.5, "colour": "red"})
        'drawn near a good trial; the trial of rank 2, in a window of 50% of each range; colour: red'
    """
    said: list[str] = []
    by = _EARLIER.get(str(note.get("by")), note.get("by"))
    if by in _BY:
        said.append(_BY[by])
    elif "by" in note:
        said.append(f"by {by}")
    used = {"by", *(["why"] if by in _BY else [])}  # earlier versions wrote the words into the log
    for kind in _PARTS:
        part = notes.read(kind, note)
        if part is not None:
            used.update(kind.__struct_fields__)
            said += [text for text in (_part(part),) if text]
    return "; ".join([*said, *(f"{name}: {value}" for name, value in note.items() if name not in used)])


def _part(part: msgspec.Struct) -> str:
    match part:
        case notes.ProposedBy(_, defaults, believed, source):
            known = "from the user's prior" if believed else "one of the best of other tasks" if source else ""
            return "the defaults of the space" if defaults else known
        case notes.GridPlace(_, index):
            return f"point {index} of the grid"
        case notes.QuasiPlace(_, index):
            return "" if index is None else f"point {index} of the quasi-random sequence"
        case notes.RestPlace(_, place):
            return f"place {place} in the shuffled list of all configurations"
        case notes.AnnealingDraw(rank, share):
            return f"the trial of rank {rank}, in a window of {share:.0%} of each range"
        case notes.Repeated(again):
            return f"once more, as trial {again} counts for nothing"
        case notes.Repaired(moved):
            return f"moved, as {_MOVED[moved]}"
        case notes.StatePlace(_, generation, opened, place):
            return f"proposal {place}, from state {generation}, which trial {opened} opened"
        case notes.StateOpening(_, _, told):
            return f"opens a state made from {len(told)} result{'' if len(told) == 1 else 's'}"
        case notes.Redrawn(turn):
            return f"drawn {turn} times again" if turn else ""
        case notes.SlotChild(slot, factor, crossover):
            made = (
                "" if factor is None or crossover is None else f" by factor {factor:.3g} and crossover {crossover:.3g}"
            )
            return f"for slot {slot}{made}"
        case notes.ModelChoice(_, acquisition, models, sources):
            scaled = f", losses scaled as {', '.join(models)}" if models else ""
            tasks = f", other tasks count {', '.join(f'{weight:.2g}' for weight in sources)}" if sources else ""
            return acquisition + scaled + tasks
        case notes.PortfolioChoice(arm, chance):
            return f"member {arm}, drawn with probability {chance:.0%}"
    return ""
