#!/usr/bin/env bash
# What this machine's GPU does with Gymserve: runs the conformance suite, a small job and the bench on every GPU engine that works here,
# and writes one JSON file. Needs Node and npm; what npm brings it installs into node_modules: packages, onnxruntime's CUDA provider,
# @tensorflow/tfjs-node-gpu with its libtensorflow. CUDA 12 with cuDNN 9 (for onnx-cuda) and CUDA 11 with cuDNN 8 (for tfjs-node-gpu)
# come from neither: where they are missing the engine says so, and on a machine with only a driver onnx-webgpu is what can work.
# Without an NVIDIA GPU it says so and ends well, with the list of what could not be checked.
#   bash scripts/gpu-check.sh [--output gpu-check.json] [--skip-install]
# --skip-install fetches nothing for GPUs.
# Environment: GYMSERVE_GPU_CHECK_ENGINES="onnx-webgpu …" checks these, and where no NVIDIA GPU is found too.
set -euo pipefail
cd "$(dirname "$0")/.."

output=gpu-check.json install=yes
fail() { echo "$*" >&2; exit 1; }
while (($#)); do
  case $1 in
    --output) (($# > 1)) || fail '--output needs a file.'; output=$2; shift 2 ;;
    --skip-install) install=no; shift ;;
    *) fail "$1 is not an option; there are --output FILE and --skip-install." ;;
  esac
done

command -v node >/dev/null || fail 'There is no node: install Node 20.19 or later (https://nodejs.org).'
node -e "const [a, b] = process.versions.node.split('.').map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)" ||
  fail "Node $(node --version) is too old: install 20.19 or later."
say() { echo "== $*" >&2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gpu='' driver='' found=no
if command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name --format=csv,noheader >"$work/gpu" 2>"$work/smi-error"; then
  found=yes
  gpu=$(paste -sd ';' "$work/gpu")
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -1)
  say "GPU: $gpu, driver $driver"
elif command -v nvidia-smi >/dev/null; then
  say "nvidia-smi is here but finds no GPU: $(cat "$work/smi-error" "$work/gpu" | head -1)"
else
  say 'There is no NVIDIA GPU here: no nvidia-smi.'
fi

all='onnx-webgpu onnx-cuda tfjs-node-gpu'
wanted=${GYMSERVE_GPU_CHECK_ENGINES:-$([[ $found = yes ]] && echo "$all" || true)}
# Full float32 in matrix products: TF32 keeps 10 bits, and the suite holds engines to 1e-5.
export NVIDIA_TF32_OVERRIDE=0 TF_FORCE_GPU_ALLOW_GROWTH=true

# One installation that fails leaves the others to be checked: the engine then says what it lacks.
attempt() {
  say "$1"; shift
  "$@" >&2 || say "It failed, with exit code $?; going on."
}
# It installs what package-lock.json names, where that is not there; offline, what there is has to do.
[[ -n $wanted ]] && attempt 'Installing what is missing, and building' npm run --silent build
if [[ -n $wanted && $install = yes ]]; then
  # npm runs no scripts of packages here (.npmrc). onnxruntime-node's own would fetch CUDA's provider, which is too large for npm.
  [[ " $wanted " = *' onnx-cuda '* ]] && attempt "Fetching onnxruntime's CUDA provider" \
    node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12
  [[ " $wanted " = *' tfjs-node-gpu '* ]] && attempt 'Installing @tensorflow/tfjs-node-gpu' npm run --silent setup:gpu
fi

# What each engine says of itself, each in a process that it may end.
cat >"$work/available.mjs" <<'JS'
import { pathToFileURL } from 'node:url';
const load = (path) => import(pathToFileURL(path).href);
const { Engines } = await load('dist/src/compute/engines.js');
const { loadConfig } = await load('dist/src/config.js');
const name = process.argv[2];
const reason = await new Engines(loadConfig([]).engines).find(name).then(() => '', (error) => error.message);
console.log(reason);
JS

# Node ends with its version; the line that says what happened is another.
cause() { grep -m 1 -E '[Ee]rror' "$1" || tail -1 "$1"; }

for engine in $wanted; do
  say "$engine"
  reason=$(timeout 120 node "$work/available.mjs" "$engine" 2>"$work/error" | tail -1) || reason="Its check ended with exit code $?: $(cause "$work/error")"
  echo "$reason" >"$work/$engine.reason"
  if [[ -n $reason ]]; then say "$reason"; continue; fi
  # Its tests bear its name. A crash of the driver ends one process, and leaves the counts of the tests before it.
  timeout 1800 node --test --enable-source-maps --test-reporter=tap --test-name-pattern="^$engine " \
    dist/test/compute/conformance.test.js dist/test/compute/tensorflow/tables.test.js dist/test/agent/sac-placement.test.js \
    dist/test/server/engines.test.js >"$work/$engine.tap" 2>"$work/$engine.errors" || echo $? >"$work/$engine.exit"
  grep -E "^ *(not )?ok .* - $engine " "$work/$engine.tap" | grep -v '# SKIP' >&2 || true
  : >"$work/$engine.bench"
  for variant in v1 v2; do
    for hidden in 64 256 400; do
      timeout 600 node --enable-source-maps dist/bench/updates.js --json --engine "$engine" --threads 1 --variant "$variant" \
        --hidden "$hidden,$hidden" >"$work/line" 2>>"$work/$engine.errors" &&
        sed "s/^{/{\"hidden\":$hidden,/" "$work/line" | tee -a "$work/$engine.bench" >&2 ||
        say "The bench of $variant with $hidden units ended with exit code $?: $(tail -1 "$work/$engine.errors")"
    done
  done
  # The replay on the GPU, beside the replay on the host.
  if [[ $engine = tfjs-node* ]]; then
    timeout 900 node --enable-source-maps dist/bench/replay-placement.js --json --engine "$engine" 2>>"$work/$engine.errors" |
      tee "$work/$engine.placement" >&2 || say "The bench of replay placements ended early: $(tail -1 "$work/$engine.errors")"
  fi
done

cat >"$work/report.mjs" <<'JS'
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import os from 'node:os';
const [work, output, gpu, driver, all, wanted] = process.argv.slice(2);
const read = (file) => (existsSync(join(work, file)) ? readFileSync(join(work, file), 'utf8') : '');
const words = (text) => text.split(' ').filter(Boolean);
const conformance = (name) => {
  const lines = read(`${name}.tap`).split('\n').filter((line) => line.includes(` - ${name} `) && !line.includes('# SKIP'));
  const failed = lines.filter((line) => /^ *not ok/.test(line)).map((line) => line.replace(/^.*? - /, ''));
  const passed = lines.length - failed.length;
  // A crash ends the suite before a test could say that it failed.
  const code = read(`${name}.exit`).trim();
  if (code !== '' && failed.length === 0) failed.push(`the suite ended early, with exit code ${code}`);
  return { passed, failed: failed.length, failures: failed };
};
const engines = [...new Set([...words(all), ...words(wanted)])].map((name) => {
  if (!words(wanted).includes(name))
    return { name, available: false, reason: 'No NVIDIA GPU was found on this machine.', conformance: null, bench: [], placements: [] };
  const reason = read(`${name}.reason`).trim();
  if (reason !== '') return { name, available: false, reason, conformance: null, bench: [], placements: [] };
  const rows = (file) => read(file).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const [bench, placements] = [rows(`${name}.bench`), rows(`${name}.placement`)];
  return { name, available: true, reason: null, conformance: conformance(name), bench, placements };
});
const cpus = os.cpus();
const machine = { platform: process.platform, arch: process.arch, cpu: cpus[0]?.model ?? null, cores: cpus.length, node: process.version };
const report = { time: new Date().toISOString(), machine, gpu: gpu || null, driver: driver || null, engines };
writeFileSync(output, `${JSON.stringify(report, null, 2)}\n`);
for (const { name, available, reason, conformance: counts, bench } of engines)
  console.log(available ? `${name}: ${counts.passed} passed, ${counts.failed} failed; ${bench.length} timings` : `${name}: not checked. ${reason}`);
const failed = engines.some(({ available, conformance: counts, bench }) => available && (counts.failed > 0 || counts.passed === 0 || bench.length === 0));
process.exitCode = failed ? 1 : 0;
JS
status=0
node "$work/report.mjs" "$work" "$output" "$gpu" "$driver" "$all" "$wanted" || status=$?
say "Wrote $output"
exit "$status"
