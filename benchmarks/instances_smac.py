"""One run of a facade of SMAC on a problem of instance_problems.py: PROBLEM random|forest SEED BUDGET…"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, UniformFloatHyperparameter
from instance_problems import PROBLEMS
from smac import AlgorithmConfigurationFacade, RandomFacade, Scenario


def main() -> None:
    """Run, and print the true quality of the incumbent at each budget as JSON."""
    key, kind, seed, *budgets = sys.argv[1:]
    problem, limits = PROBLEMS[key](), [int(budget) for budget in budgets]
    space = ConfigurationSpace(seed=int(seed))
    for name, (low, high) in problem.floats.items():
        space.add(UniformFloatHyperparameter(name, low, high, log=name in problem.logs))
    for name, options in problem.choices.items():
        space.add(CategoricalHyperparameter(name, options))

    def cost(config: Any, instance: str, seed: int = 0) -> float:
        value = problem.value(dict(config), instance, seed)
        return 10.0 * value if problem.cutoff_s is not None and value >= problem.cutoff_s else value

    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space,
            deterministic=problem.seeds == 1,
            n_trials=limits[-1],
            instances=problem.names,
            instance_features=problem.features,
            seed=int(seed),
            output_directory=Path(folder),
        )
        facade = RandomFacade if kind == "random" else AlgorithmConfigurationFacade
        more: dict[str, Any] = {}
        if problem.seeds > 1:
            more["intensifier"] = facade.get_intensifier(scenario, max_config_calls=problem.seeds * len(problem.names))
        smac = facade(scenario, cost, logging_level=False, overwrite=True, **more)
        begin_s = time.process_time()
        smac.optimize()
        thinking_s = time.process_time() - begin_s
    history, path = smac.runhistory, smac.intensifier.trajectory
    found = []
    for limit in limits:
        before = [item for item in path if item.trial <= limit]
        best = history.get_config(before[-1].config_ids[0]) if before else None
        found.append(None if best is None else problem.truth(dict(best)))
    print(json.dumps({"truth": found, "configs": len(history.get_configs()), "spent": 0.0, "thinking_s": thinking_s}))


if __name__ == "__main__":
    main()
