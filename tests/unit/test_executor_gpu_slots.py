"""GPUs of this machine, divided among worker processes."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.executor import gpu_environments


def seen(trial: lt.RunningTrial) -> dict[str, Any]:
    time.sleep(0.2)
    return {"y": trial["x"], "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"), "pid": os.getpid()}


def test_each_worker_sees_one_gpu_and_several_share_one_in_turn() -> None:
    devices = [one["CUDA_VISIBLE_DEVICES"] for one in gpu_environments("0, 3", 5)]
    assert devices == ["0", "3", "0", "3", "0"]
    assert gpu_environments([2, "GPU-ab"], 2)[1]["CUDA_VISIBLE_DEVICES"] == "GPU-ab"
    assert gpu_environments(None, 2) == [{}, {}]


def test_a_run_divides_them_among_its_workers() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=1)
    study.run(seen, trials=8, workers=4, gpus="4,7")
    assert {trial.extra["gpu"] for trial in study.trials} == {"4", "7"}
    by_process = {(trial.extra["pid"], trial.extra["gpu"]) for trial in study.trials}
    assert len(by_process) == len({pid for pid, _ in by_process}) == 4
    assert sorted(gpu for _, gpu in by_process) == ["4", "4", "7", "7"]


@pytest.mark.parametrize("wrong", ["", "0,", "0,0", [], 3, [1.5]])
def test_what_names_no_gpus_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidSetting, match="gpus="):
        gpu_environments(wrong, 2)


def test_they_are_for_processes_only() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y")
    with pytest.raises(InvalidSetting, match="divided among processes"):
        study.run(seen, trials=1, executor="threads", gpus="0")
