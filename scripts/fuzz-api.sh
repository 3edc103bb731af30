#!/usr/bin/env bash
# Sends a live server what openapi.yaml allows and what it forbids, thousands of requests made by schemathesis, and holds every answer
# to the contract: no fault of the server, no status, type, header or body that is not documented, nothing invalid taken, nothing valid
# refused without a reason, no key ignored. Needs Python 3.10 or later with venv. SEED repeats an earlier run.
#   bash scripts/fuzz-api.sh [SEED [MAX_EXAMPLES]]
set -euo pipefail
cd "$(dirname "$0")/.."
node scripts/run.mjs build
venv=node_modules/.cache/gymserve-fuzz
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r scripts/requirements-fuzz.txt
export GYMSERVE_CACHE_DIR="${GYMSERVE_CACHE_DIR:-$PWD/node_modules/.cache/gymserve}"
exec node --enable-source-maps dist/scripts/fuzz-api.js "$PWD/$venv/bin/schemathesis" "$@"
