"""Whether a surrogate and an acquisition function go together."""

from __future__ import annotations

from luthier.acquisition import Acquisition, Bindable, CriterionEnsemble, check_acquisition
from luthier.errors import InvalidSetting
from luthier.surrogate import ABILITIES, Surrogate, check_surrogate


def check_compatibility(surrogate: Surrogate, acquisition: Acquisition | Bindable | CriterionEnsemble) -> None:
    """Refuse a pair that has no meaning; of an ensemble every member must go with the surrogate.

    Raises:
        InvalidSetting: the surrogate's posterior has none of the abilities that the acquisition can work with.
    """
    if isinstance(acquisition, CriterionEnsemble):
        for member in acquisition.acquisitions:
            check_compatibility(surrogate, member)
        return
    check_surrogate(surrogate)
    check_acquisition(acquisition)
    if any(ability in surrogate.abilities for ability in acquisition.requires):
        return
    wanted = " or ".join(ABILITIES[ability] for ability in acquisition.requires)
    given = "; ".join(ABILITIES[ability] for ability in surrogate.abilities)
    raise InvalidSetting(
        f"Bayes(surrogate={surrogate!r}, acquisition={acquisition!r}): the acquisition function needs {wanted}, and "
        f"the surrogate gives {given}. Choose another of the two (EI and LogEI go with every surrogate)"
    )
