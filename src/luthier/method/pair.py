"""Whether a surrogate and an acquisition function go together."""

from __future__ import annotations

from luthier.acquisition.protocol import Acquisition, Bindable, Ensemble
from luthier.errors import InvalidSetting
from luthier.surrogate.protocol import ABILITIES, Surrogate


def check_pair(surrogate: Surrogate, acquisition: Acquisition | Bindable | Ensemble) -> None:
    """Refuse a pair that has no meaning; of an ensemble every member must go with the surrogate.

    Raises:
        InvalidSetting: the surrogate's posterior has none of the abilities that the acquisition can work with.
    """
    if isinstance(acquisition, Ensemble):
        for member in acquisition.acquisitions:
            check_pair(surrogate, member)
        return
    if any(ability in surrogate.gives for ability in acquisition.needs):
        return
    wanted = " or ".join(ABILITIES[ability] for ability in acquisition.needs)
    given = "; ".join(ABILITIES[ability] for ability in surrogate.gives)
    raise InvalidSetting(
        f"Bayes(surrogate={surrogate!r}, acquisition={acquisition!r}): the acquisition function needs {wanted}, and "
        f"the surrogate gives {given}. Choose another of the two (EI and LogEI go with every surrogate)"
    )
