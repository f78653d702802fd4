#!/usr/bin/env bash
# Times pyhodgkin beside its peers in one run and prints one table.
#   bash benchmarks/compare.sh [tasks, e.g. A C]     PEERS="diffrax jaxley" to choose the peers
# PEERS_BENCH is the folder with the peers' scripts (default ../shared/bench beside this
# repository), PEERS_ROOT where their environment is made (some minutes and 2 GB the first time).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bench=${PEERS_BENCH:-$here/../../shared/bench}
export PEERS_ROOT=${PEERS_ROOT:-$HOME/.cache/hh-peers}
export PEERS_RESULTS=${PEERS_RESULTS:-$PEERS_ROOT/results} PEERS_QUICK=${PEERS_QUICK:-1}
tasks=${*:-A B C D E}
[ -d "$bench" ] || { echo "no peers' scripts in $bench: set PEERS_BENCH" >&2; exit 2; }
[ -x "$PEERS_ROOT/venv/bin/python" ] || bash "$bench/setup.sh"
"$PEERS_ROOT/venv/bin/python" -c "import safetensors" 2>/dev/null ||
  "$PEERS_ROOT/venv/bin/pip" install -q safetensors
PEERS=${PEERS:-"diffrax jaxley torchdiffeq torchode"} bash "$bench/run_all.sh" $tasks >/dev/null
cd "$bench"
PYTHONPATH="$here/..:$bench" "$PEERS_ROOT/venv/bin/python" -W ignore "$here/peer_pyhodgkin.py" $tasks
PYTHONPATH="$bench" "$PEERS_ROOT/venv/bin/python" report.py $tasks
