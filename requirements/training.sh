#!/usr/bin/env bash
# Installs the libraries of luthier.interop into the folder $2 with the Python $1, for tests: training.sh PYTHON FOLDER.
# PyTorch is a build without CUDA where pip finds one, such as a wheel in its find-links; else that of the index, with
# all that it needs.
set -euo pipefail

python=$1 folder=$2 here=$(dirname "$0")
torch=2.13.0
install() { "$python" -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder.unfinished" "$@"; }

rm -rf "$folder" "$folder.unfinished"
mkdir -p "$(dirname "$folder")"
install --no-deps --requirement "$here/training.txt"
install --no-deps "torch==$torch+cpu" 2>/dev/null || install "torch==$torch"
mv "$folder.unfinished" "$folder"
