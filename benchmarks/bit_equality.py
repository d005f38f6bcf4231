"""Digests of proposals, logs and exports, to show that a change of the tree changes no bit.

    PYTHONPATH=OLD/src python benchmarks/bit_equality.py write FOLDER    # in the tree before
    PYTHONPATH=src python benchmarks/bit_equality.py check FOLDER        # in the tree after

``write`` runs each method on each space, keeps a digest of the proposals, and stores one study of each
method in an SQLite file with its exported CSV. ``check`` makes the proposals again and compares; then it opens the file
that the other tree wrote: its studies are replayed (`Study.verify`) and exported again. It exits 1 on any difference.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before numpy is loaded: `Drive` has no guard of its own, and threads change bits

import luthier as lt  # noqa: E402
from luthier import codec  # noqa: E402
from luthier.testing.methods import SPACES, Drive  # noqa: E402

METHODS = {
    "auto": (lt.Auto, 16),
    "auto in batches": (lt.Auto, 14),
    "gp": (lt.Bayes, 12),
    "gp, portfolio": (lambda: lt.Bayes(acquisition=lt.Hedge([lt.EI(), lt.UCB(2.0)])), 10),
    "gp, MCMC and warps": (lambda: lt.Bayes(lt.GP(samples=4, warp=True), initial=4), 7),
    "gp, Thompson": (lambda: lt.Bayes(acquisition=lt.Thompson()), 10),
    "gp, knowledge gradient": (lambda: lt.Bayes(acquisition=lt.KnowledgeGradient(), initial=4), 7),
    "gp, entropy": (lambda: lt.Bayes(acquisition=lt.MaxValueEntropy()), 9),
    "gp, q-EI": (lambda: lt.Bayes(acquisition=lt.QEI(), initial=4), 8),
    "gp, noisy EI": (lambda: lt.Bayes(acquisition=lt.NoisyEI(), initial=4), 8),
    "forest, UCB": (lambda: lt.Bayes(lt.Forest(trees=20), lt.UCB(2.0), initial=5), 9),
    "boosted, EI": (lambda: lt.Bayes(lt.Boosted(), lt.EI(), initial=5), 8),
    "parzen": (lambda: lt.Bayes(lt.Parzen(), lt.EI(), initial=6), 14),
    "random": (lt.Random, 8),
    "grid": (lt.Grid, 8),
    "grid, shuffled": (lambda: lt.Grid(order="shuffled"), 8),
    "grid, nested": (lambda: lt.Grid(order="nested"), 8),
    "sobol": (lt.Quasi, 8),
    "halton": (lambda: lt.Quasi("halton"), 8),
    "latin": (lambda: lt.Quasi("latin"), 8),
    "lattice": (lambda: lt.Quasi("lattice"), 8),
    "annealing": (lt.Anneal, 12),
    "cma-es": (lt.Evolution, 24),
    "differential evolution": (lambda: lt.Evolution("de"), 24),
}


def digests() -> dict[str, str]:
    """Give the digest of the proposals of every method on every space."""
    found = {}
    for name, (make, trials) in METHODS.items():
        for space in ("tuning", "rich", "finite"):
            try:
                drive = Drive(SPACES[space](), make(), seed=7)
                configs = drive.run(trials, count=4 if "batches" in name else 1)
            except lt.errors.LuthierError as error:
                found[f"{name} | {space}"] = f"{type(error).__name__}"
                continue
            made = hashlib.blake2b(codec.dumps([dict(config) for config in configs]), digest_size=12).hexdigest()
            found[f"{name} | {space}"] = made
    return found


def store(folder: Path) -> None:
    """Store one study of every method in one file, and export each."""
    for name, (make, trials) in METHODS.items():
        where = str(folder / "studies.db")
        with lt.Study(name, SPACES["tuning"](), minimize="loss", method=make(), store=where, seed=3) as study:
            for _ in range(trials):
                trial = study.ask()
                study.tell(trial, codec.dumps(dict(trial.params)).__len__() + float(trial.params["C"]), duration_s=1.0)


def exported(folder: Path, name: str) -> str:
    """Give the digest of a study's exported CSV."""
    done = subprocess.run(
        [sys.executable, "-m", "luthier", "export", str(folder / "studies.db"), "--study", name],
        capture_output=True,
        env=os.environ,
        check=False,
    )
    if done.returncode or not done.stdout:
        return f"no export: {done.stderr.decode()[-300:]}"
    return hashlib.blake2b(done.stdout, digest_size=12).hexdigest()


def main() -> int:
    """Write, or check."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "write":
        folder.mkdir(parents=True)
        store(folder)
        made = {"proposals": digests(), "exports": {name: exported(folder, name) for name in METHODS}}
        (folder / "digests.json").write_text(json.dumps(made, indent=1))
        print(f"{len(made['proposals'])} digests of proposals, {len(METHODS)} stored studies: {folder}")
        return 0
    before = json.loads((folder / "digests.json").read_text())
    wrong = 0
    now = digests()
    differ = [name for name, digest in before["proposals"].items() if now.get(name) != digest]
    print(f"proposals: {len(now) - len(differ)} of {len(now)} equal{''.join(f'; not {name}' for name in differ)}")
    wrong += len(differ)
    for name in METHODS:
        with lt.Study(name, store=str(folder / "studies.db")) as study:
            verified = study.verify()
        same = exported(folder, name) == before["exports"][name] and "no export" not in before["exports"][name]
        if verified.mismatches or not same:
            wrong += 1
            print(f"{name}: {verified}; export {'equal' if same else 'differs'}")
    print(
        f"stored studies: {len(METHODS)} opened, replayed and exported"
        + (f"; {wrong} differences" if wrong else ", all equal")
    )
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
