#!/bin/sh
# Records every fixture anew with the packages of requirements-fixtures.txt and compares the files byte for byte with those
# under test/fixtures. Exit status 1 names the files that differ.
#   scripts/check-fixtures.sh [the virtual environment's folder, kept for the next time]
set -eu
cd "$(dirname "$0")/.."
venv="${1:-${TMPDIR:-/tmp}/gymserve-fixtures-$(id -u)}"
recorded="$(mktemp -d)"
trap 'rm -rf "$recorded" "$recorded.names" "$recorded.err"' EXIT

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r scripts/requirements-fixtures.txt
for script in scripts/record-*.py; do
  "$venv/bin/python" -W ignore "$script" "$recorded" >/dev/null 2>"$recorded.err" || {
    cat "$recorded.err" >&2
    exit 1
  }
done

count=0
wrong=0
{ ls "$recorded"; cd test/fixtures; ls -- *.json *.json.gz; } | sort -u > "$recorded.names"
while read -r name; do
  count=$((count + 1))
  if [ ! -e "$recorded/$name" ]; then
    echo "No script records test/fixtures/$name." >&2
  elif [ ! -e "test/fixtures/$name" ]; then
    echo "test/fixtures/$name is missing." >&2
  elif ! cmp -s "$recorded/$name" "test/fixtures/$name"; then
    echo "test/fixtures/$name differs from what is recorded now." >&2
  else
    continue
  fi
  wrong=$((wrong + 1))
done < "$recorded.names"
echo "$((count - wrong)) of $count fixtures are recorded again, byte for byte."
[ "$wrong" -eq 0 ]
