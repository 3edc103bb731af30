#!/usr/bin/env bash
# Times Gymserve and its peers in turns, so that all see the same machine. Prints a table; leaves it and the raw lines in
# bench/peers/out/. Run setup.sh first, and nothing else meanwhile.
#   bench/peers/run.sh [--repeats 3] [--threads "1 2"] [--engines "native onnx-cpu"] [--quick]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
python=${GYMSERVE_PEERS_VENV:-$here/.venv}/bin/python
repeats=3 threads='1 2' engines='native onnx-cpu' blocks=11 steps=1500

fail() { echo "$*" >&2; exit 1; }

while (($#)); do
  case $1 in
    --quick) blocks=3 steps=200; shift ;;
    --repeats | --threads | --engines) (($# > 1)) || fail "$1 needs a value."; printf -v "${1#--}" %s "$2"; shift 2 ;;
    *) fail "$1 is not an option; there are --repeats, --threads, --engines and --quick." ;;
  esac
done
[[ -x $python ]] || fail "There is no $python: run bench/peers/setup.sh first."
# No .pyc under bench/: npm takes any newer file there for a source, and would build in the middle of a run.
export PYTHONDONTWRITEBYTECODE=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lines=$work/lines TIMEFORMAT='%R %U %S'

# Seconds that all processes, and the neighbours on a virtual machine's cores, have taken since it started.
busy() { awk -v hz="$(getconf CLK_TCK)" '$1 == "cpu" { print ($2 + $3 + $4 + $7 + $8 + $9) / hz }' /proc/stat; }

# Runs a command and keeps the JSON lines it prints, with the repeat in front and the cores that others took meanwhile.
# One that fails is said and passed over: an engine that this machine lacks is no reason to stop.
record() {
  local before status=0 others line
  before=$(busy)
  { time "$@" > "$work/out" 2> "$work/complaints"; } 2> "$work/clock" || status=$?
  if ((status != 0)); then
    echo "Passed over: $*: $(grep -m 1 -E '^[A-Za-z]*Error' "$work/complaints" || tail -n 1 "$work/complaints")" >&2
    return
  fi
  others=$(awk -v before="$before" -v after="$(busy)" '{ printf "%.3f", (after - before - $2 - $3) / $1 }' "$work/clock")
  while read -r line; do
    printf '{"repeat": %d, "others": %s, %s\n' "$repeat" "$others" "${line#\{}"
  done < "$work/out" | tee -a "$lines" >&2
}
ours() { record npm run --silent --prefix "$root" bench -- "$@" --json --threads "$n"; }
peer() { record "$python" "$here/peers.py" "$@" --threads "$n"; }

npm run --silent --prefix "$root" build
"$python" "$here/peers.py" machine >> "$lines"
for ((repeat = 1; repeat <= repeats; repeat++)); do
  for n in $threads; do
    for engine in $engines; do ours updates --engine "$engine"; done
    for library in sb3 sbx; do peer "$library-train" --blocks "$blocks"; done
    for engine in $engines; do ours train --engine "$engine" --repeats 1 --steps "$steps"; done
    for library in sb3 sbx; do peer "$library-learn" --steps "$steps"; done
  done
done

out=$here/out/$(date -u +%Y-%m-%dT%H%M%SZ)
mkdir -p "$here/out"
cp "$lines" "$out.jsonl"
"$python" "$here/table.py" "$out.jsonl" | tee "$out.md"
# As old as the build: see above.
touch -r "$root/dist/.built" "$out".*
echo "Raw lines: ${out#"$PWD"/}.jsonl" >&2
