#!/usr/bin/env bash
# An environment that Gymserve does not run: eight carts on a rail, simulated in awk below, that learn to stop in the middle.
# Gymserve chooses the forces, is told what came of them, and learns. Needs curl and awk; a running server:
#   npm start &
#   bash examples/robot.sh [URL] [ROUNDS]
set -euo pipefail
url=${1:-http://127.0.0.1:8000}
rounds=${2:-10}
carts=8
steps=30

api() { curl --silent --show-error --fail-with-body --header 'content-type: application/json' "$@"; }
# The value of a field of a JSON object that has it once.
field() { sed -E "s/.*\"$1\":\"?([^,\"}]*).*/\1/"; }
# Numbers of lines as a JSON list of lists: "1 2\n3 4" becomes [[1,2],[3,4]].
rows() { awk '{ gsub(" ", ","); printf "%s[%s]", (NR == 1 ? "[" : ","), $0 } END { print "]" }'; }

# Position and speed of a cart, and the force on it.
agent=$(api "$url/v1/agents" --data '{
  "name": "carts", "algorithm": "sac", "seed": 1,
  "observation_space": { "type": "Box", "dtype": "float32", "shape": [2], "low": "-Infinity", "high": "Infinity" },
  "action_space": { "type": "Box", "dtype": "float32", "shape": [1], "low": -1, "high": 1 },
  "hyperparameters": { "hidden_sizes": [64, 64], "batch_size": 128, "learning_rate": 0.003, "discount": 0.95 }
}' | field id)
echo "agent $agent"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for ((round = 1; round <= rounds; round++)); do
  # Somewhere on the rail, at rest.
  awk -v n="$carts" -v seed="$round" 'BEGIN { srand(seed); while (n-- > 0) print 2 * rand() - 1, 0 }' >"$work/now"
  : >"$work/transitions"
  for ((step = 1; step <= steps; step++)); do
    api "$url/v1/agents/$agent/act" --data "{\"observations\": $(rows <"$work/now")}" |
      sed -E 's/.*"actions":\[(.*)\],"policy_step".*/\1/' | tr -d '[]' | tr ',' '\n' >"$work/forces"
    # x v force -> x v force reward next_x next_v truncated
    paste -d ' ' "$work/now" "$work/forces" | awk -v cut="$((step == steps))" '{
      v = 0.95 * $2 + 0.2 * $3; x = $1 + 0.2 * v
      print $1, $2, $3, -(x * x + 0.1 * v * v), x, v, cut ? "true" : "false"
    }' >"$work/steps"
    cat "$work/steps" >>"$work/transitions"
    awk '{ print $5, $6 }' "$work/steps" >"$work/now"
  done

  column() { awk "{ print $1 }" "$work/transitions" | rows; }
  list() { awk "{ printf \"%s%s\", (NR == 1 ? \"[\" : \",\"), $1 } END { print \"]\" }" "$work/transitions"; }
  # The same key for the same transitions: if the answer is lost, asking again adds nothing.
  api "$url/v1/agents/$agent/transitions" --header "idempotency-key: $agent-$round" --data @- >"$work/answer" <<JSON
    { "observations": $(column '$1, $2'), "actions": $(column '$3'), "rewards": $(list '$4'),
      "next_observations": $(column '$5, $6'), "terminations": $(list '"false"'), "truncations": $(list '$7') }
JSON
  job=$(api "$url/v1/agents/$agent/learn" --data "{ \"gradient_steps\": $((carts * steps)) }" | field id)
  state=$(api "$url/v1/jobs/$job?wait=60s" | field state)
  [ "$state" = succeeded ] || { echo "$job is $state" >&2; exit 1; }
  awk -v n="$carts" -v round="$round" -v total="$(field total <"$work/answer")" \
    '{ sum += $4 } END { printf "round %d: mean return %.2f after %d transitions\n", round, sum / n, total }' "$work/transitions"
done
