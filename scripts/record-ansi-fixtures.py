"""Records what Gymnasium's toy text prints with render_mode="ansi".

Run as scripts/record-gymnasium-fixtures.py is; neither MuJoCo nor pygame is needed. Two runs write the same bytes.
"""

import gzip
import json
import pathlib
import sys
from collections import deque

import gymnasium

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "test" / "fixtures")
SEED = 3
RANDOM_STEPS = 30


def to_goal(env):
    """Actions of a shortest way to an end of the episode that pays best: a taxi has its passenger on board on it."""
    table, start = env.unwrapped.P, int(env.unwrapped.s)
    ways, queue = {start: []}, deque([start])
    while queue:
        state = queue.popleft()
        for action, outcomes in table[state].items():
            _, following, reward, terminated = outcomes[-1]
            if terminated and reward >= -1:
                return ways[state] + [action]
            if following not in ways and not terminated:
                ways[following] = ways[state] + [action]
                queue.append(following)
    return []


def printed(id, kwargs):
    env = gymnasium.make(id, render_mode="ansi", **kwargs)
    env.action_space.seed(SEED)
    env.reset(seed=SEED)
    actions, texts = [], [env.render()]
    wanted = to_goal(env) + [int(env.action_space.sample()) for _ in range(RANDOM_STEPS)]
    for action in wanted:
        *_, terminated, truncated, _ = env.step(action)
        actions.append(int(action))
        texts.append(env.render())
        if terminated or truncated:
            env.reset()
            texts.append(env.render())
    return {"id": id, "kwargs": kwargs, "seed": SEED, "actions": actions, "texts": texts}


PLAYS = [
    ("FrozenLake-v1", {}),
    ("FrozenLake-v1", {"map_name": "8x8", "is_slippery": False}),
    ("CliffWalking-v1", {}),
    ("CliffWalkingSlippery-v1", {}),
    ("Taxi-v4", {}),
    ("Taxi-v4", {"is_rainy": True}),
]

content = {"versions": {"gymnasium": gymnasium.__version__}, "plays": [printed(*play) for play in PLAYS]}
(OUT / "ansi.json.gz").write_bytes(gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0))
