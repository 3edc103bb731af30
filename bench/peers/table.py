"""Prints the Markdown table of the JSON lines that run.sh collects: table.py FILE."""

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# What was timed, who, threads; and what a repeat gave.
Key = tuple[str, str, int]
Rates = dict[Key, dict[int, float]]

OURS = "Gymserve, "
PROGRAM, SAMPLED, MANY, END = "the update alone", "update", "updates, many a call", "end to end"
# What of ours stands beside what of a peer's: a peer's train() draws its own batches, so `the update alone` has no equal.
COUNTERPARTS = [(SAMPLED, SAMPLED), (SAMPLED, MANY), (PROGRAM, SAMPLED), (PROGRAM, MANY), (END, END)]


def main() -> None:
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    machine = next(line for line in lines if line.get("what") == "machine")
    rates: Rates = defaultdict(dict)
    for line in lines:
        for key, rate in rates_of(line):
            rates[key][line["repeat"]] = rate
    print(describe(machine))
    others = max((line["others"] for line in lines if "others" in line), default=0.0)
    print(f"Other processes took up to {others:.2f} cores of it during a measurement.\n")
    print(table(["what", "who", "threads", "a second", "min–max", "repeats"], medians(rates)))
    peers = sorted({who for _, who, _ in rates if not who.startswith(OURS)})
    print("\nOurs over theirs, median (min–max) of the repeats:\n")
    print(table(["ours", "what", "against their", "threads", *(f"÷ {peer}" for peer in peers)], ratios(rates, peers)))


def rates_of(line: dict[str, Any]) -> Iterator[tuple[Key, float]]:
    """The rates in one line: ours has an engine, a peer's has a name."""
    threads = line.get("threads", 0)
    if "engine" in line:
        who = f"{OURS}{line['engine']}"
        if "steps_per_s" in line:
            yield (END, who, threads), line["steps_per_s"]
            yield (SAMPLED, who, threads), line["updates_per_s"]
        else:
            yield (PROGRAM, who, threads), line["updates_per_s"]
    elif line["what"] == "end_to_end":
        yield (END, line["who"], threads), line["steps_per_s"]
    elif line["what"] == "updates":
        yield (SAMPLED, line["who"], threads), line["updates_per_s"]
        yield (MANY, line["who"], threads), line["updates_per_s_batched"]


def medians(rates: Rates) -> Iterator[list[str]]:
    order = [PROGRAM, SAMPLED, MANY, END]
    for (what, who, threads), by_repeat in sorted(rates.items(), key=lambda item: (order.index(item[0][0]), item[0][1:])):
        yield [what, who, str(threads), *spread(by_repeat.values(), "{:.0f}"), str(len(by_repeat))]


def ratios(rates: Rates, peers: list[str]) -> Iterator[list[str]]:
    for ours_what, theirs_what in COUNTERPARTS:
        for (what, who, threads), ours in rates.items():
            if what == ours_what and who.startswith(OURS):
                theirs = [rates.get((theirs_what, peer, threads), {}) for peer in peers]
                yield [who, what, theirs_what, str(threads), *(ratio(ours, of_peer) for of_peer in theirs)]


def ratio(ours: dict[int, float], theirs: dict[int, float]) -> str:
    """Taken within a repeat, where both saw the same machine."""
    paired = [ours[repeat] / theirs[repeat] for repeat in ours.keys() & theirs.keys()]
    return "{} ({})".format(*spread(paired, "{:.2f}")) if paired else "–"


def spread(values: Iterable[float], form: str) -> list[str]:
    """The median, and the least and the greatest."""
    numbers = list(values)
    return [form.format(statistics.median(numbers)), "–".join(form.format(end(numbers)) for end in (min, max))]


def describe(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    flags = " ".join(machine["flags"]) or "no x86 vector flags"
    return (
        f"{machine['cpu']}, {machine['cores']} cores ({flags}), load {machine['load_before']:.2f} at the start; "
        f"commit {machine['commit']}; {versions}."
    )


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


if __name__ == "__main__":
    main()
