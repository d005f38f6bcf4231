"""The study file and objective that ``luthier init`` writes."""

from __future__ import annotations

OBJECTIVE = '''"""The objective of study.toml: replace it by your own."""


def loss(trial):
    """Give the loss of a trial; its values are in trial.params, or trial["name"]."""
    distance = (trial["x"] - 1) ** 2 + (trial["y"] + 2) ** 2
    return distance + (0.5 if trial["kind"] == "rough" else 0.0)
'''

STUDY = """# A study: what is run, what is tuned, and when it is finished. Run it, or go on with it, by
#     luthier run study.toml

[study]
name = "example"
minimize = "loss"                 # or: maximize = "accuracy"; a list for several objectives
# constraints = {memory_mb = "<= 512"}  # limits of numbers that the objective returns beside it
seed = 0                          # of all randomness; drawn anew where it is left out
# noisy = true                    # the same values may give different results, and may be tried again
# baseline = true                 # try the defaults first, and compare with them in the end
# report = "report.html"          # a page about the study, written at the end of each run
# notes = "what it is for"        # printed by luthier list and show; and tags = ["paper", "gpu"]

[objective]
python = "objective:loss"         # module:function; the module is looked for beside this file first
# Or a program in any language. {x} is replaced by the value; the values are also in the environment
# (LUTHIER_PARAM_x, …) and in a JSON file (its path is in LUTHIER_PARAMS).
# command = "python train.py --x {x} --y {y} --kind {kind}"
# result = "last line"            # of what it prints; or: {regex = "loss: ([0-9.]+)"}
#                                 # or: {json = "{luthier.folder}/result.json"}
# shell = true                    # have a shell run it; values are quoted

[space]
x = {float = [-5, 5]}
y = {float = [-5, 5]}
kind = {choice = ["smooth", "rough"]}
# rate = {float = [1e-5, 1e-1], log = true, default = 1e-3}
# layers = {int = [1, 8]}
# width = {int = [16, 512], log = true, when = "kind == 'smooth'"}
require = ["x + y <= 6"]          # constraints; no trial ever breaks one

[method]
use = "Auto"                      # or: "Bayes", "Grid", "Random", "Quasi" (settings on lines of their own)

# [stop]                          # stop trials early, or with a fidelity pause and promote them:
# use = "Median"                  # "ASHA", "Hyperband", "SuccessiveHalving"; a command gets {luthier.until}

[budget]
trials = 30                       # of the whole study, however often it is stopped and goes on
# time = "10m"
# target = 0.01                   # stop when this is reached
# plateau = 20                    # stop after that many trials without improvement

[store]
path = "study.db"                 # relative to this file

[executor]
workers = 2                       # trials at once, each in a process of its own
# kind = "threads"                # or: "processes", "inline"
# trial_time = "5m"               # a trial over its limit is stopped, with everything it started
# trial_memory = "4 GB"
"""
