#!/usr/bin/env bash
# Kills a server with two trainings and five environments at random instants, KILLS times (50), and looks at what is left each time;
# then truncated checkpoints and, for root, a full disk. A second number is the seed of an earlier run.
#   bash scripts/crash-test.sh [KILLS [SEED]]
set -euo pipefail
cd "$(dirname "$0")/.."
node scripts/run.mjs build
export GYMSERVE_CACHE_DIR="${GYMSERVE_CACHE_DIR:-$PWD/node_modules/.cache/gymserve}"
exec node --enable-source-maps dist/scripts/crash-test.js "$@"
