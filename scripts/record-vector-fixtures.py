"""Records what Gymnasium's SyncVectorEnv computes, in all three autoreset modes.

Run as scripts/record-gymnasium-fixtures.py is. Two runs on one machine write the same bytes.
"""

import base64
import gzip
import json
import pathlib
import sys

import gymnasium
import mujoco
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv

VERSIONS = {"gymnasium": gymnasium.__version__, "mujoco": mujoco.__version__, "numpy": np.__version__}
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "test" / "fixtures")
STEPS = 120


def packed(array):
    array = np.ascontiguousarray(array)
    data = base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "base64": data}


def as_json(value):
    if isinstance(value, dict):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return [as_json(part) for part in value] if value.dtype == object else value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def run(id, mode, *, num_envs, max_episode_steps, seed, reset_seed, options=None, policy=None):
    """`STEPS` steps of `num_envs` environments. In mode Disabled whatever ended is reset, by `reset_mask`, before the next
    step; every third of these resets seeds the environments that it resets. In the other modes a masked reset in the middle
    shows that it works there too."""
    make = lambda: gymnasium.make(id, max_episode_steps=max_episode_steps)
    envs = SyncVectorEnv([make] * num_envs, autoreset_mode=mode)
    envs.action_space.seed(seed)
    observations, infos = envs.reset(seed=reset_seed, options=options and dict(options))
    # One entry a call: None is a step, anything else a reset with these arguments.
    calls = [{"seed": reset_seed, "options": options}]
    all_observations, all_infos = [observations], [as_json(infos)]
    actions, rewards, terminations, truncations = [], [], [], []
    resets = 0

    def reset(mask):
        nonlocal resets, observations
        resets += 1
        seeds = [100 * resets + i if mask[i] else None for i in range(num_envs)] if resets % 3 == 0 else None
        observations, infos = envs.reset(seed=seeds, options={"reset_mask": np.array(mask)})
        calls.append({"seed": seeds, "reset_mask": [bool(x) for x in mask]})
        all_observations.append(observations)
        all_infos.append(as_json(infos))

    for step in range(STEPS):
        action = envs.action_space.sample()
        if policy is not None and step % 4 > 0:
            action = np.array([policy(observation) for observation in observations], envs.action_space.dtype)
        observations, reward, terminated, truncated, infos = envs.step(action)
        calls.append(None)
        for column, value in zip((all_observations, all_infos, actions, rewards, terminations, truncations),
                                 (observations, as_json(infos), action, reward, terminated, truncated)):
            column.append(value)
        ended = np.logical_or(terminated, truncated)
        if mode == AutoresetMode.DISABLED and ended.any():
            reset(ended)
        elif mode != AutoresetMode.DISABLED and step == STEPS // 2:
            reset([i == 1 for i in range(num_envs)])
    envs.close()
    ends = int(np.logical_or(terminations, truncations).sum())
    assert ends >= 6, ends
    return {
        "id": id, "mode": mode.value, "num_envs": num_envs, "max_episode_steps": max_episode_steps, "seed": seed,
        "calls": calls, "observations": packed(np.stack(all_observations)), "infos": all_infos,
        "actions": packed(np.stack(actions).astype(np.float64 if actions[0].dtype.kind == "i" else np.float32)),
        "rewards": packed(np.stack(rewards)),
        # [step, index] of every flag that is set.
        "terminations": np.argwhere(terminations).tolist(), "truncations": np.argwhere(truncations).tolist(),
    }


def main():
    balance = lambda o: int(o[2] + 0.5 * o[3] + 0.1 * o[0] + 0.2 * o[1] > 0)
    runs = []
    for mode in AutoresetMode:
        runs += [
            run("Pendulum-v1", mode, num_envs=3, max_episode_steps=17, seed=1, reset_seed=42),
            run("Pendulum-v1", mode, num_envs=2, max_episode_steps=25, seed=2, reset_seed=[7, 7], options={"x_init": 0.5}),
            run("CartPole-v1", mode, num_envs=4, max_episode_steps=None, seed=3, reset_seed=0),
            run("CartPole-v1", mode, num_envs=3, max_episode_steps=30, seed=4, reset_seed=[5, 9, 2], policy=balance),
            run("HalfCheetah-v5", mode, num_envs=3, max_episode_steps=12, seed=5, reset_seed=11),
        ]
    versions = json.dumps(VERSIONS, sort_keys=True)
    lines = ",\n".join("  " + json.dumps(run, sort_keys=True) for run in runs)
    data = gzip.compress(f'{{\n "versions": {versions},\n "runs": [\n{lines}\n ]\n}}\n'.encode(), mtime=0)
    (OUT / "vector.json.gz").write_bytes(data)
    print(f"vector.json.gz: {len(data)} bytes")


if __name__ == "__main__":
    main()
