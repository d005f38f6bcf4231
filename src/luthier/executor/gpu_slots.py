"""Division of this machine's GPUs among workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from luthier.errors import InvalidSetting
from luthier.scalar import short

Gpus: TypeAlias = str | Sequence[int | str]
"""GPUs by number or UUID: ``"0,1"``, ``[0, 1]``; each with as many workers as come to it."""


def gpu_environments(gpus: Gpus | None, workers: int) -> list[dict[str, str]]:
    """Give the environment variables of each worker, which let it see one of the GPUs, in turn.

    A trial sees its GPU as the first and only one (``cuda:0``). With twice as many workers as GPUs, two share each.

    Args:
        gpus: those that are to be used; None: workers see what this process sees.
        workers: how many there are.

    Raises:
        InvalidSetting: it is not a list of GPUs, or it names one twice.
    """
    if gpus is None:
        return [{} for _ in range(workers)]
    given = gpus.split(",") if isinstance(gpus, str) else gpus
    if not isinstance(given, Sequence) or not all(isinstance(gpu, int | str) for gpu in given):
        raise InvalidSetting(f"gpus={short(gpus)}: give the numbers of GPUs, as in gpus='0,1'")
    names = [str(gpu).strip() for gpu in given]
    if not names or not all(names) or len({*names}) < len(names):
        raise InvalidSetting(f"gpus={short(gpus)}: name each GPU once, as in gpus='0,1'; more workers share them")
    # CUDA's own order is by speed, and not that of nvidia-smi.
    order = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return [{"CUDA_VISIBLE_DEVICES": names[place % len(names)], **order} for place in range(workers)]
