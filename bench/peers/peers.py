"""Times the SAC of stable-baselines3 (PyTorch) and of sbx (JAX) on the CPU. Prints one JSON line.

    peers.py {sb3,sbx}-train --threads N    updates/s of the library's own train(), from a filled replay buffer
    peers.py {sb3,sbx}-learn --threads N    steps/s of its own learn() on HalfCheetah-v5, one update a step
    peers.py machine                        what all this ran on

Every hyperparameter is the library's default: batch 256, 256x256, twin critics, learnt temperature, learning rate 3e-4.
Compares nothing: table.py does.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEC = "HalfCheetah-v5"
PACKAGES = {"sb3": "stable-baselines3", "sbx": "sbx-rl"}
RUNTIMES = {"sb3": "torch", "sbx": "jaxlib"}
# Both as in bench/train.ts: random steps that fill the replay buffer, then steps with updates that are not timed (jit, caches).
FILL = 500
WARM_UP = 200
UPDATES_PER_BLOCK = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for library in PACKAGES:
        train = commands.add_parser(f"{library}-train")
        train.add_argument("--blocks", type=int, default=11, help="blocks that the median is taken of")
        train.set_defaults(measure=lambda model, args: time_train(model, args.blocks))
        learn = commands.add_parser(f"{library}-learn")
        learn.add_argument("--steps", type=int, default=1500, help="steps that are timed")
        learn.set_defaults(measure=lambda model, args: time_learn(model, args.steps))
        for command in train, learn:
            command.add_argument("--threads", type=int, required=True)
            command.set_defaults(library=library)
    commands.add_parser("machine")
    args = parser.parse_args()
    print(json.dumps(machine() if args.command == "machine" else measure_peer(args)))


def measure_peer(args: argparse.Namespace) -> dict[str, Any]:
    limit_threads(args.threads)
    timing = args.measure(make_model(args.library, args.threads), args)
    package, runtime = PACKAGES[args.library], RUNTIMES[args.library]
    who = {"who": package, "version": importlib.metadata.version(package)}
    return who | {"runtime": f"{runtime} {importlib.metadata.version(runtime)}", "threads": args.threads} | timing


def limit_threads(threads: int) -> None:
    """Gives this process `threads` cores and as many threads. To be called before torch and jax are imported.

    The affinity mask is what binds XLA, which sizes its pool by it; its flags stay the default, which was as fast or faster.
    It binds torch equally. The last cores, because the first serves most interrupts.
    """
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"--threads is {threads}; this process may use 1 to {len(cores)} cores.")
    os.sched_setaffinity(0, cores[-threads:])
    for name in "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC":
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"


def make_model(library: str, threads: int) -> Any:
    import torch

    torch.set_num_threads(threads)
    if library == "sb3":
        from stable_baselines3 import SAC
    else:
        from sbx import SAC
    return SAC("MlpPolicy", SPEC, learning_starts=FILL, seed=0, device="cpu")


def time_train(model: Any, blocks: int) -> dict[str, Any]:
    """Median updates/s of blocks of updates, one a call of train() as learn() does it, and all of a block in one call."""
    model.learn(FILL)

    def one_a_call() -> None:
        for _ in range(UPDATES_PER_BLOCK):
            model.train(gradient_steps=1, batch_size=model.batch_size)

    def one_call() -> None:
        model.train(gradient_steps=UPDATES_PER_BLOCK, batch_size=model.batch_size)

    one_a_call()
    one_call()
    # In turns, so that both see the same machine. train() returns with its losses read, so nothing is still under way.
    times = [(seconds(one_a_call), seconds(one_call)) for _ in range(blocks)]
    single, batched = (UPDATES_PER_BLOCK / statistics.median(column) for column in zip(*times, strict=True))
    return {
        "what": "updates",
        "updates_per_s": round(single, 1),
        "updates_per_s_batched": round(batched, 1),
        "updates_per_call_batched": UPDATES_PER_BLOCK,
    }


def time_learn(model: Any, steps: int) -> dict[str, Any]:
    """Steps/s of learn() once it updates at every step, between two calls of a callback `steps` steps apart."""
    stamps: list[float] = []

    def on_step(_locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        stamps.append(time.perf_counter())
        return True

    model.learn(FILL + WARM_UP + steps, callback=on_step)
    return {"what": "end_to_end", "steps_per_s": round(steps / (stamps[-1] - stamps[-1 - steps]), 1), "steps": steps}


def seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def machine() -> dict[str, Any]:
    def output(*command: str) -> str:
        return subprocess.run(command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True).stdout.strip()

    cpu = dict(line.split(":", 1) for line in output("lscpu").splitlines() if ":" in line)
    flags = cpu.get("Flags", "").split()
    changed = " with changes" if output("git", "status", "--porcelain", "--untracked-files=no") else ""
    packages = [*PACKAGES.values(), *RUNTIMES.values(), "gymnasium", "mujoco", "numpy"]
    return {
        "what": "machine",
        "cpu": cpu.get("Model name", platform.machine()).strip(),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in ("avx2", "fma", "avx512f") if flag in flags],
        "load_before": os.getloadavg()[0],
        "commit": output("git", "rev-parse", "--short", "HEAD") + changed,
        "versions": {name: importlib.metadata.version(name) for name in packages}
        | {"python": platform.python_version(), "node": output("node", "--version").removeprefix("v")},
    }


if __name__ == "__main__":
    main()
