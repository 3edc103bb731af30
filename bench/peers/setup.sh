#!/usr/bin/env bash
# Makes the Python virtual environment of the peers: bench/peers/.venv, or $GYMSERVE_PEERS_VENV. Run again, it changes nothing.
# PyPI's torch for Linux brings CUDA (some 2.5 GB of downloads), so PyTorch's own index of CPU wheels is asked first;
# GYMSERVE_TORCH_INDEX names another one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${GYMSERVE_PEERS_VENV:-$here/.venv}
python=${PYTHON:-python3}
torch_index=${GYMSERVE_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}

fail() { echo "$*" >&2; exit 1; }

can_make_venv() { "$python" -c 'import ensurepip, venv' 2> /dev/null; }

if ! can_make_venv; then
  [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null || fail "$python cannot make virtual environments: install python3-venv."
  apt-get update -qq
  apt-get install -y -qq python3-venv > /dev/null
  can_make_venv || fail "$python cannot make virtual environments even with Debian's python3-venv: name another with PYTHON=."
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "The peers need Python 3.11 or later; this is $("$python" --version)."

[[ -x $venv/bin/python ]] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

torch=$(grep '^torch==' "$here/requirements.txt")
if ! pip show --quiet torch 2> /dev/null; then
  echo "Asking $torch_index for $torch …"
  pip --retries 0 --timeout 15 install --quiet --no-deps --index-url "$torch_index" "$torch" 2> /dev/null ||
    echo "Not to be had there: taking it from PyPI, with CUDA."
fi
pip install --quiet --requirement "$here/requirements.txt"

echo "Installed in $venv ($("$venv/bin/python" --version), $(du -sh "$venv" | cut -f1)):"
pip freeze | grep -iE '^(stable.baselines3|torch|sbx.rl|jax|jaxlib|flax|optax|tfp.nightly|gymnasium|mujoco|onnxruntime|onnx|numpy)=='
