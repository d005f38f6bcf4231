"""Signatures of a study's methods that take one thing or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, overload

from luthier.analysis import Prediction
from luthier.study import ActiveTrial


class AskMethod(Protocol):
    """See `luthier.study.AskTell.ask`."""

    @overload
    def __call__(
        self, count: None = None, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> ActiveTrial: ...

    @overload
    def __call__(
        self, count: int, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> list[ActiveTrial]: ...


class PredictMethod(Protocol):
    """See `luthier.run.StudyAnalysis.predict`."""

    @overload
    def __call__(self, params: Mapping[str, Any], level: float = 0.9, *, observed: bool = False) -> Prediction: ...

    @overload
    def __call__(
        self, params: Sequence[Mapping[str, Any]], level: float = 0.9, *, observed: bool = False
    ) -> tuple[Prediction, ...]: ...
