"""Records what Gymnasium's wrappers make of trajectories, with the trajectories of the bare environments below them.

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
from gymnasium import wrappers

VERSIONS = {"gymnasium": gymnasium.__version__, "mujoco": mujoco.__version__, "numpy": np.__version__}
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "test" / "fixtures")
STEPS = 250


def packed(array):
    array = np.ascontiguousarray(array)
    data = base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "base64": data}


def number(x):
    x = float(x)
    return x if np.isfinite(x) else ("Infinity" if x > 0 else "-Infinity")


def nested(x):
    return [nested(part) for part in x] if np.ndim(x) > 0 else number(x)


def document(space):
    if isinstance(space, gymnasium.spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start)}
    return {"type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), "low": nested(space.low), "high": nested(space.high)}


class Recorder(gymnasium.Wrapper):
    """Stands between the time limit and the wrappers: what passes here is what a bare environment gets and gives."""

    def __init__(self, env):
        super().__init__(env)
        self.actions, self.observations, self.rewards, self.ends = [], [], [], []

    def reset(self, **kwargs):
        observation, info = self.env.reset(**kwargs)
        self.observations.append(observation)
        return observation, info

    def step(self, action):
        result = self.env.step(action)
        observation, reward, terminated, truncated, _ = result
        self.actions.append(action)
        self.observations.append(observation)
        self.rewards.append(float(reward))
        if terminated or truncated:
            self.ends.append([len(self.rewards) - 1, bool(terminated), bool(truncated)])
        return result


def pack(values):
    return [int(x) for x in values] if np.ndim(values[0]) == 0 else packed(np.stack(values))


# JSON's keyword arguments; those that are lists become arrays, as they do in Python code.
WRAPPERS = {
    "PassiveEnvChecker": wrappers.PassiveEnvChecker,
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
    "RescaleAction": wrappers.RescaleAction,
    "ClipAction": wrappers.ClipAction,
    "NormalizeObservation": wrappers.NormalizeObservation,
    "NormalizeReward": wrappers.NormalizeReward,
    "TransformReward": lambda env, scale, shift: wrappers.TransformReward(env, lambda reward: reward * scale + shift),
    "FrameStackObservation": wrappers.FrameStackObservation,
    "TimeAwareObservation": wrappers.TimeAwareObservation,
}


def wrap(env, name, kwargs):
    space = env.observation_space
    dtype = space.dtype if name == "FrameStackObservation" else np.float64
    arrays = {key: np.asarray(value, dtype) if isinstance(value, list) else value for key, value in kwargs.items()}
    return WRAPPERS[name](env, **arrays)


def run(id, chain, *, seed, max_episode_steps, scale):
    recorder = Recorder(gymnasium.make(id, max_episode_steps=max_episode_steps))
    env = recorder
    for name, kwargs in chain:
        env = wrap(env, name, kwargs)
    # Not all wrapped spaces can be drawn from between bounds: the actions are those of a generator of their own.
    rng = np.random.default_rng(seed)
    actions, observations, rewards, episodes = [], [], [], []
    observation, _ = env.reset(seed=seed)
    observations.append(observation)
    for step in range(STEPS):
        if isinstance(env.action_space, gymnasium.spaces.Discrete):
            action = int(rng.integers(env.action_space.n))
        else:
            action = rng.uniform(-scale, scale, env.action_space.shape).astype(env.action_space.dtype)
        observation, reward, terminated, truncated, info = env.step(action)
        actions.append(action)
        observations.append(observation)
        rewards.append(float(reward))
        if "episode" in info:
            episodes.append([step, float(info["episode"]["r"]), int(info["episode"]["l"])])
        if terminated or truncated:
            observation, _ = env.reset()
            observations.append(observation)
    spaces = document(env.observation_space), document(env.action_space)
    env.close()
    bare = {
        "id": id, "seed": seed, "max_episode_steps": max_episode_steps, "actions": pack(recorder.actions),
        "observations": pack(recorder.observations), "rewards": packed(np.array(recorder.rewards)), "ends": recorder.ends,
    }
    same = lambda a, b: all(np.array_equal(x, y) and np.asarray(x).dtype == np.asarray(y).dtype for x, y in zip(a, b))
    case = {
        "wrappers": [{"name": name, "kwargs": kwargs} for name, kwargs in chain],
        "observation_space": spaces[0], "action_space": spaces[1],
        # Null where they are those of the bare environment.
        "actions": None if same(actions, recorder.actions) else pack(actions),
        "observations": None if same(observations, recorder.observations) else pack(observations),
        "rewards": None if rewards == recorder.rewards else packed(np.array(rewards)),
        # [step, return, length] of RecordEpisodeStatistics.
        "episodes": episodes,
    }
    return bare, case


def chains(id):
    common = [
        [("PassiveEnvChecker", {}), ("RecordEpisodeStatistics", {})],
        [("NormalizeObservation", {})],
        [("NormalizeReward", {})],
        [("NormalizeReward", {"gamma": 0.9, "epsilon": 0.001}), ("RecordEpisodeStatistics", {})],
        [("TransformReward", {"scale": -0.3, "shift": 1.7})],
        [("TimeAwareObservation", {"normalize_time": True})],
        [("FrameStackObservation", {"stack_size": 2, "padding_type": "reset"})],
    ]
    small = [
        [("NormalizeObservation", {"epsilon": 0.01})],
        [("TimeAwareObservation", {})],
        [("FrameStackObservation", {"stack_size": 4, "padding_type": "zero"})],
        [("NormalizeObservation", {}), ("FrameStackObservation", {"stack_size": 3, "padding_type": "reset"})],
        [("FrameStackObservation", {"stack_size": 2, "padding_type": "zero"}), ("NormalizeObservation", {})],
        [("TransformReward", {"scale": 0.5, "shift": 0.25}), ("NormalizeReward", {}), ("TimeAwareObservation", {})],
    ]
    match id:
        case "Pendulum-v1":
            return common + small + [
                [("FrameStackObservation", {"stack_size": 3, "padding_type": [0.5, -0.25, 7]})],
                [("RescaleAction", {"min_action": -1, "max_action": 1})],
                [("RescaleAction", {"min_action": -0.3, "max_action": 0.7}), ("ClipAction", {})],
                [("RescaleAction", {"min_action": [-1.1], "max_action": [5]})],
                [("ClipAction", {})],
            ]
        case "CartPole-v1":
            return common + small + [[("FrameStackObservation", {"stack_size": 2, "padding_type": [1, -1, 0, 2]})]]
        case _:
            return common + [
                [("RescaleAction", {"min_action": [-2, -1, 0, -0.1, -3, -0.7], "max_action": [2, 3, 1, 0.3, 1, 0.9]}), ("ClipAction", {})],
            ]


if __name__ == "__main__":
    bares, cases = [], []
    for id, max_episode_steps, scale in [("Pendulum-v1", 90, 3.0), ("CartPole-v1", 40, 1.0), ("HalfCheetah-v5", 120, 1.5)]:
        for chain in chains(id):
            bare, case = run(id, chain, seed=11, max_episode_steps=max_episode_steps, scale=scale)
            if bare not in bares:
                bares.append(bare)
            cases.append({"bare": bares.index(bare), **case})
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"versions": VERSIONS, "bares": bares, "cases": cases}, sort_keys=True, indent=0)
    data = gzip.compress(text.encode(), mtime=0)
    (OUT / "wrappers.json.gz").write_bytes(data)
    print(f"wrappers.json.gz: {len(data)} bytes, {len(bares)} trajectories, {len(cases)} cases")
