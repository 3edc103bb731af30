#!/usr/bin/env bash
# Makes the engine "tfjs-node" work here without the downloads of @tensorflow/tfjs-node's installer: its addon, compiled from its npm
# package against the libtensorflow of PyPI's tensorflow-cpu. Linux on x86-64, with Node, g++, make, and Python 3 with pip; 0.3 GB to
# fetch, 0.8 GB in node_modules/.tfjs-node. `npm ci` by hand takes that away; `npm test`, `npm run bench` and the like install around it. Run
# again, it makes only what is missing; --anew makes all of it.
set -euo pipefail
cd "$(dirname "$0")/.."

TENSORFLOW=2.15.1
# cp311 is what the wheel calls itself; no Python of that version is needed, since only its C libraries are taken.
WHEEL_SHA256=54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26
NODE_GYP=12.4.0
TFJS_NODE=$(node -p "require('./package.json').peerDependencies['@tensorflow/tfjs-node']")

# Where src/compute/tensorflow/addon.ts looks, beside the packages of the project: npm would take it for a stray there.
home=$PWD/node_modules/.tfjs-node
package=$home/node_modules/@tensorflow/tfjs-node
addon=$package/lib/napi-v8/tfjs_binding.node

fail() {
  echo "$1" >&2
  exit 1
}
need() { command -v "$1" >/dev/null || fail "This needs $1; Debian and Ubuntu: apt-get install $2."; }

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "PyPI has tensorflow-cpu $TENSORFLOW with its C libraries for Linux on x86-64 only."
need g++ g++
need make make
need python3 'python3 python3-pip'
python3 -m pip --version >/dev/null 2>&1 || fail 'This needs pip; Debian and Ubuntu: apt-get install python3-pip.'

# node-gyp would fetch Node's headers; they lie beside most Nodes.
node=$(readlink -f "$(command -v node)")
headers=${NODE_HEADERS:-$(dirname "$(dirname "$node")")}
[ -f "$headers/include/node/node_api.h" ] ||
  fail "Found no include/node/node_api.h under $headers; name the folder that holds it: NODE_HEADERS=/usr $0"

if [ "${1:-}" = --anew ]; then rm -rf "$home"; fi
mkdir -p "$home"

if [ ! -f "$package/binding.gyp" ]; then
  echo "Installing @tensorflow/tfjs-node@$TFJS_NODE, without its scripts…"
  echo '{ "private": true }' >"$home/package.json"
  npm install --prefix "$home" --ignore-scripts --no-audit --no-fund --loglevel=error "@tensorflow/tfjs-node@$TFJS_NODE"
fi

if [ ! -f "$package/deps/.complete" ]; then
  echo "Fetching tensorflow-cpu $TENSORFLOW…"
  wheel=$(mktemp -d)
  trap 'rm -rf "$wheel"' EXIT
  echo "tensorflow-cpu==$TENSORFLOW --hash=sha256:$WHEEL_SHA256" >"$wheel/requirements.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --python-version 3.11 --platform manylinux2014_x86_64 --dest "$wheel" --requirement "$wheel/requirements.txt"
  rm -rf "$package/deps"
  python3 - "$wheel"/*.whl "$package/deps" <<'PYTHON'
import os, sys, zipfile

wheel, deps = sys.argv[1:]
LIBRARIES = {"tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"}
HEADERS = ("tensorflow/include/tensorflow/c/", "tensorflow/include/tsl/c/")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.endswith("/"):
            continue
        if name in LIBRARIES:
            target = os.path.join(deps, "lib", os.path.basename(name))
        elif name.startswith(HEADERS) or (name.startswith("tensorflow/include/") and "/platform/ctstring" in name):
            target = os.path.join(deps, name.removeprefix("tensorflow/"))
        else:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(name) as source, open(target, "wb") as file:
            while block := source.read(1 << 20):
                file.write(block)
PYTHON
  ln -s libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
  ln -s libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"
  touch "$package/deps/.complete"
fi

if [ ! -f "$addon" ]; then
  echo 'Compiling the addon…'
  (cd "$package" && npm_config_ignore_scripts=true npx --yes "node-gyp@$NODE_GYP" rebuild --loglevel=error --nodedir="$headers" \
    --module_name=tfjs_binding --module_path="$package/lib/napi-v8" --napi_build_version=8)
  rm -rf "$package/build"
fi

node -e '
  const addon = require(process.argv[1]);
  console.log(`${process.argv[1]}: loads, with libtensorflow ${addon.TF_Version}.`);' "$addon"
