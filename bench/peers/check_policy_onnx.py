"""Holds the policy.onnx of an agent to the server that made it, in Python's onnxruntime.

    check_policy_onnx.py http://127.0.0.1:8000 agt_01jz8q4v5w6x7y8z9a0b1c2d3e [--key gsk_...]

Sends the same random observations through the file and through POST /act, for several batches, and fails where an action differs
by more than TOLERANCE. Needs numpy and onnxruntime; with onnx installed, its checker looks at the file too.
"""

import argparse
import importlib.util
import json
import sys
import urllib.request
from typing import Any

import numpy as np
import onnxruntime

# float32 sums of some hundred products in another order: a few units in the last place of actions of size 1 or 2 (2.4e-7).
TOLERANCE = 1e-6
BATCHES = (1, 3, 300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="where the server listens")
    parser.add_argument("agent", help="id of the agent; no job may be training it")
    parser.add_argument("--key", help="an API key, where the server asks for one")
    parser.add_argument("--seed", type=int, default=0, help="of the observations")
    args = parser.parse_args()

    def call(path: str, body: dict[str, Any] | None = None) -> bytes:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {args.key}"} if args.key else {})
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{args.url}/v1/agents/{args.agent}{path}", data, headers)) as reply:
            return reply.read()

    file = call("/policy.onnx")
    check(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(args.seed)
    worst = 0.0
    for batch in BATCHES:
        observations = rng.standard_normal((batch, session.get_inputs()[0].shape[1]), dtype=np.float32)
        (actual,) = session.run(["action"], {"observation": observations})
        answer = json.loads(call("/act", {"observations": observations.tolist(), "deterministic": True}))
        # The file is flat, the server's answer has the shape of the action space.
        expected = np.asarray(answer["actions"]).reshape(batch, -1)
        if actual.shape != expected.shape:
            sys.exit(f"{batch} observations: the file gave actions of shape {actual.shape}, the server {expected.shape}.")
        worst = max(worst, float(np.abs(actual - expected).max()))
    metadata = session.get_modelmeta().custom_metadata_map
    print(json.dumps({"bytes": len(file), "largest_difference": worst, "onnxruntime": onnxruntime.__version__, **metadata}))
    # Not "worst > TOLERANCE", which NaN would pass.
    if not worst <= TOLERANCE:
        sys.exit(f"The largest difference is {worst}; at most {TOLERANCE} is rounding.")


def check(file: bytes) -> None:
    if importlib.util.find_spec("onnx") is None:
        print("onnx is not installed, so its checker did not look at the file.", file=sys.stderr)
        return
    import onnx

    onnx.checker.check_model(onnx.load_from_string(file), full_check=True)


if __name__ == "__main__":
    main()
