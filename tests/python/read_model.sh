#!/usr/bin/env bash
# usage: read_model.sh TEMPERA PYTHON FOLDER: trains the smoke config and lets Python read what it wrote. Exits with 77
# (skipped) where there is no Python or its packages cannot be had.
set -euo pipefail
tempera=$1 python=$2 folder=$3
here=$(dirname "${BASH_SOURCE[0]}")
skip() { echo "skipped: $*"; exit 77; }

[[ -x $python ]] || skip "there is no python3"
venv=$folder/venv
if ! "$venv/bin/python" -c 'import numpy, safetensors' 2>/dev/null; then
  rm -rf "$venv"
  "$python" -m venv "$venv" || skip "python3 has no venv (Debian: python3-venv)"
  "$venv/bin/pip" install --quiet --retries 1 --timeout 15 numpy safetensors || skip "PyPI cannot be reached"
fi
rm -rf "$folder/run"
"$tempera" run configs/smoke.json --out "$folder/run"
"$venv/bin/python" "$here/read_model.py" "$folder/run"
