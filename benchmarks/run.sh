#!/usr/bin/env bash
# Measure Luthier against its peers in one environment:
# benchmarks/run.sh [overhead|coco|batch|branches|pairs|curve|durability|scale|long_study|honest] [OPTION …]
#   overhead      the budgets of speed (the default, `make bench`); names of rows may follow
#   coco          the peers' missing runs on COCO (for --minutes M at most), Luthier's Auto anew, and the tables
#   batch BENCH   batches of 8 on the public suite; BENCH is the folder shared/bench
#   branches      random spaces with branches, against Optuna's TPE
#   pairs         every surrogate with every acquisition function against random search
#   curve         seconds an ask from 10 to 5,000 trials
#   durability    stores under faults and under load: servers are started here (requirements/databases.sh)
#   scale         memory and seconds of long logs, and many simulated workers
#   long_study    50,000 trials on each store, with and without a snapshot: servers are started here
#   honest        objectives with ties, noise, plateaus and edges: see benchmarks/honest/README.md
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv-bench
stamp="$venv/.done-3"
if [ ! -e "$stamp" ]; then
  python3 -m venv "$venv"
  # Without the lock: a peer may need another version of something than our tests do (torch: mpmath below 1.4).
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable '.[sklearn,cma,postgres,mysql]' 'optuna==5.0.0' 'torch==2.13.0' 'hyperopt==0.3.0' 'smac==2.4.1' \
    'scikit-optimize==0.10.2' 'coco-experiment==2.8.2' 'onnxruntime'
  touch "$stamp"
fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONWARNINGS=ignore
python="$venv/bin/python"
what="${1:-overhead}"
case "$what" in
  coco)
    shift
    "$python" benchmarks/coco.py run "$@"
    "$python" benchmarks/coco.py run --methods luthier-auto --fresh --like optuna-gp
    exec "$python" benchmarks/coco.py compare --us luthier-auto
    ;;
  honest)
    shift
    PYTHONPATH=. exec "$python" -m benchmarks.honest "$@"
    ;;
  overhead | batch | branches | pairs | curve | durability | scale | long_study)
    shift || true
    exec "$python" "benchmarks/$what.py" "$@"
    ;;
  *) exec "$python" benchmarks/overhead.py "$@" ;;
esac
