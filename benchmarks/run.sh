#!/usr/bin/env bash
# Time Luthier against Optuna in one run, in an environment that has both. `make bench`
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-bench
if [ ! -e "$venv/.done" ]; then
  python3 -m venv "$venv"
  # Without the lock: a peer may need another version of something than our tests do (torch: mpmath below 1.4).
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable '.[sklearn]' 'optuna==5.0.0' 'torch==2.13.0' 'hyperopt==0.3.0'
  touch "$venv/.done"
fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
exec "$venv/bin/python" benchmarks/overhead.py "$@"
