"""Records what numpy's smaller draws, Gymnasium's composite spaces, classic control and toy text compute.

Run as scripts/record-gymnasium-fixtures.py is; MuJoCo is not needed. Two runs on one machine write the same bytes.
"""

import base64
import gzip
import json
import pathlib
import sys

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.toy_text.frozen_lake import generate_random_map

VERSIONS = {"gymnasium": gymnasium.__version__, "numpy": np.__version__}
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "test" / "fixtures")


def packed(array):
    array = np.ascontiguousarray(array)
    data = base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "base64": data}


def write(name, content, *, compressed=False):
    OUT.mkdir(parents=True, exist_ok=True)
    # One line for each entry of a list: short enough to keep, long enough to see what changed.
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    rest = {"versions": VERSIONS, **{key: value for key, value in content.items() if key not in lists}}
    line = lambda value: json.dumps(value, sort_keys=True, default=lambda x: x.item())
    parts = [f" {json.dumps(key)}: {line(value)}" for key, value in sorted(rest.items())]
    parts += [f" {json.dumps(key)}: [\n" + ",\n".join(f"  {line(entry)}" for entry in value) + "\n ]" for key, value in sorted(lists.items())]
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    data = gzip.compress(text.encode(), mtime=0) if compressed else text.encode()
    file = f"{name}.json.gz" if compressed else f"{name}.json"
    (OUT / file).write_bytes(data)
    print(f"{file}: {len(data)} bytes")


# numpy's generator -------------------------------------------------------------------------------------------------


def draws_of(seed):
    make = lambda: np.random.default_rng(seed)
    steps = []
    mixed = make()
    for n in (1, 2, 3, 5, 8, 13, 100):
        weights = [float(x) for x in np.arange(1, n + 1) / np.arange(1, n + 1).sum()]
        items = list(range(n))
        mixed.shuffle(items)
        steps += [
            ["choice", n, int(mixed.choice(list(range(n))))],
            ["permutation", n, mixed.permutation(n).tolist()],
            ["weighted", weights, 3, mixed.choice(n, 3, p=weights).tolist()],
            ["narrow", 8, -3, -3 + n, 7, mixed.integers(-3, -3 + n, 7, dtype=np.int8).tolist()],
            ["narrow", 16, 0, 17 * n, 5, mixed.integers(0, 17 * n, 5, dtype=np.uint16).tolist()],
            ["int32", -7, 1000 * n, 3, mixed.integers(-7, 1000 * n, 3, dtype=np.int32).tolist()],
            ["random", mixed.random()],
        ]
        steps.insert(-7, ["shuffle", n, items])
    state = mixed.bit_generator.state
    bits = [
        {"bits": bits, "low": low, "high": high, "drawn": make().integers(low, high, 41, dtype=f"{'u' if low >= 0 else ''}int{bits}").tolist()}
        for bits, low, high in [(8, 0, 2), (8, 0, 1), (8, 0, 256), (8, -128, 128), (8, 0, 255), (8, -5, 95), (8, 0, 200),
                                (16, 0, 2), (16, 0, 65536), (16, -32768, 32768), (16, 0, 40000), (16, -9, 1)]
    ]
    return {"seed": seed, "steps": steps, "has_uint32": state["has_uint32"], "uinteger": state["uinteger"],
            "next": str(mixed.bit_generator.random_raw()), "narrow": bits}


def record_draws():
    write("numpy-draws", {"generators": [draws_of(seed) for seed in (0, 1, 42, 2**40)]})


def record_float32_trigonometry():
    rng = np.random.default_rng(5)
    ranges = []
    for within in (0.1, 4, 1000, 70000):
        angles = rng.uniform(-within, within, 400).astype(np.float32)
        ranges.append({"within": within, "angles": packed(angles), "cos": packed(np.cos(angles)), "sin": packed(np.sin(angles))})
    write("numpy-float32-trigonometry", {"ranges": ranges})


# Spaces ------------------------------------------------------------------------------------------------------------


def number(x):
    x = float(x)
    return x if np.isfinite(x) else ("Infinity" if x > 0 else "-Infinity")


def nested(x):
    return [nested(part) for part in x] if np.ndim(x) > 0 else number(x)


def document(space):
    """A space as the API writes it."""
    match space:
        case spaces.Box():
            return {"type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), "low": nested(space.low), "high": nested(space.high)}
        case spaces.Discrete():
            return {"type": "Discrete", "n": int(space.n), "start": int(space.start)}
        case spaces.MultiDiscrete():
            return {"type": "MultiDiscrete", "nvec": space.nvec.tolist(), "start": space.start.tolist()}
        case spaces.MultiBinary():
            return {"type": "MultiBinary", "shape": list(space.shape)}
        case spaces.Tuple():
            return {"type": "Tuple", "spaces": [document(part) for part in space.spaces]}
        case spaces.Dict():
            return {"type": "Dict", "spaces": [{"key": key, "space": document(part)} for key, part in space.spaces.items()]}


def element(space, value):
    """An element as JSON."""
    match space:
        case spaces.Tuple():
            return [element(part, x) for part, x in zip(space.spaces, value)]
        case spaces.Dict():
            return {key: element(part, value[key]) for key, part in space.spaces.items()}
        case spaces.Box():
            return nested(value)
        case _:
            return np.asarray(value).tolist()


def record_spaces():
    box = lambda: spaces.Box(np.float32([-1, 0, -np.inf]), np.float32([1, np.inf, 3]))
    cases = [
        spaces.MultiDiscrete([5, 2, 2]),
        spaces.MultiDiscrete(np.array([[1, 2], [3, 1000]]), start=np.array([[0, -1], [10, -500]])),
        spaces.MultiDiscrete([2**31 - 1, 7]),
        spaces.MultiBinary(1),
        spaces.MultiBinary(7),
        spaces.MultiBinary([2, 3, 2]),
        spaces.Tuple([spaces.Discrete(3), box()]),
        spaces.Tuple([]),
        spaces.Dict({"position": box(), "keys": spaces.MultiBinary(3), "gear": spaces.Discrete(4, start=-1)}),
        spaces.Dict({
            "inner": spaces.Dict({"b": spaces.MultiDiscrete([3, 3]), "a": spaces.Tuple([spaces.MultiBinary(5), spaces.Box(-1.0, 1.0, (2, 2), np.float64)])}),
            "outer": spaces.Tuple([spaces.Dict({"z": spaces.Discrete(9)}), spaces.Discrete(2)]),
        }),
    ]
    recorded = []
    for space in cases:
        for seed in (0, 11):
            space.seed(seed)
            samples = [space.sample() for _ in range(6)]
            entry = {"space": document(space), "seed": seed, "samples": [element(space, x) for x in samples]}
            # numpy cannot concatenate nothing, and nobody wants 2^31 numbers.
            if 0 < spaces.flatdim(space) < 10_000:
                flat = [spaces.flatten(space, x) for x in samples]
                assert len(flat[0]) == spaces.flatdim(space)
                entry["flat"] = [x.astype(float).tolist() for x in flat]
            recorded.append(entry)
    write("composite-spaces", {"cases": recorded})


# Environments ------------------------------------------------------------------------------------------------------


def as_json(value):
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def info_as_json(info):
    return {name: as_json(value) for name, value in info.items()}


def run(id, *, seed, steps, kwargs={}, attributes={}, options=None, policy=None, max_episode_steps=None, scale=1, state_of=None):
    """`steps` steps, with a reset wherever an episode ends. Three actions of four are those of
    `policy(observation)`; the others are drawn by the action space (same seed, times `scale`)."""
    env = gymnasium.make(id, max_episode_steps=max_episode_steps, **kwargs)
    for name, value in attributes.items():
        setattr(env.unwrapped, name, value)
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed, options=options)
    observations, infos, actions, rewards, ends, states = [observation], [info_as_json(info)], [], [], [], []
    for step in range(steps):
        action = env.action_space.sample()
        if isinstance(env.action_space, spaces.Box):
            action = action * np.float32(scale)
        if policy is not None and step % 4 > 0:
            action = np.asarray(policy(observation), env.action_space.dtype).reshape(env.action_space.shape)[()]
        states.append(state_of and state_of(env.unwrapped))
        observation, reward, terminated, truncated, info = env.step(action)
        actions.append(action)
        rewards.append(float(reward))
        observations.append(observation)
        infos.append(info_as_json(info))
        if terminated or truncated:
            ends.append([step, bool(terminated), bool(truncated)])
            observation, info = env.reset(options=options)
            observations.append(observation)
            infos.append(info_as_json(info))
    env.close()
    pack = lambda values: [int(x) for x in values] if np.ndim(values[0]) == 0 else packed(np.stack(values))
    return {
        "id": id, "seed": seed, "kwargs": {**kwargs, **attributes}, "options": options, "max_episode_steps": max_episode_steps,
        "actions": pack(actions), "observations": pack(observations), "rewards": packed(np.array(rewards)),
        # [step, terminated, truncated] of every episode's end; elsewhere both are false.
        "ends": ends,
        # What the environment held before each step, where the last bit of a step shows after many.
        "states": state_of and packed(np.stack(states)),
        # None where every info is empty.
        "infos": infos if any(infos) else None,
    }


def first_observations(id, count):
    env = gymnasium.make(id)
    return {"id": id, "count": count, "observations": packed(np.stack([env.reset(seed=seed)[0] for seed in range(count)]))}


def record_classic_control():
    balance = lambda o: int(o[2] + 0.5 * o[3] + 0.1 * o[0] + 0.2 * o[1] > 0)
    pump = lambda o: 2 if o[1] >= 0 else 0
    drive = lambda o: 1.3 if o[1] >= 0 else -0.9
    swing = lambda o: 0 if o[4] >= 0 else 2
    runs = []
    for id, policy in [("CartPole-v1", balance), ("MountainCar-v0", pump), ("Acrobot-v1", swing), ("MountainCarContinuous-v0", drive)]:
        runs += [run(id, seed=seed, steps=250) for seed in (0, 42)]
        state_of = (lambda env: np.array(env.state, np.float64)) if id == "Acrobot-v1" else None
        runs += [run(id, seed=seed, steps=500, policy=policy, state_of=state_of) for seed in (1, 2)]
    runs += [
        run("CartPole-v1", seed=3, steps=200, kwargs={"sutton_barto_reward": True}),
        run("CartPole-v1", seed=4, steps=200, options={"low": -0.2, "high": 0.1}, policy=balance),
        run("CartPole-v1", seed=5, steps=60, max_episode_steps=20, policy=balance),
        run("MountainCar-v0", seed=3, steps=300, kwargs={"goal_velocity": 0.02}, policy=pump),
        run("MountainCar-v0", seed=4, steps=200, options={"low": -1.2, "high": -1.1}),
        run("MountainCarContinuous-v0", seed=3, steps=300, kwargs={"goal_velocity": 0.02}, policy=drive),
        run("MountainCarContinuous-v0", seed=4, steps=300, options={"low": -1.2, "high": -1.1}, scale=3),
        run("Acrobot-v1", seed=3, steps=300, attributes={"book_or_nips": "nips"}, policy=swing),
        run("Acrobot-v1", seed=4, steps=300, attributes={"dt": 0.05}, policy=swing),
        run("Acrobot-v1", seed=5, steps=300, options={"low": -3, "high": 3}),
    ]
    ids = sorted({run["id"] for run in runs})
    write("classic-control", {"runs": runs, "starts": [first_observations(id, 500) for id in ids]}, compressed=True)


def table(id, kwargs):
    """P as rows of (probability, next state, reward, terminated), and how many of them each state and action have."""
    env = gymnasium.make(id, **kwargs).unwrapped
    lists = [env.P[state][action] for state in sorted(env.P) for action in sorted(env.P[state])]
    return {
        "id": id, "kwargs": kwargs, "states": len(env.P),
        "outcomes": [len(outcomes) for outcomes in lists],
        "rows": packed(np.array([[float(x) for x in outcome] for outcomes in lists for outcome in outcomes])),
        "start": packed(np.asarray(env.initial_state_distrib, np.float64)),
    }


def taxi_policy():
    """The short way on a dry day, by value iteration: so that passengers are fetched and delivered."""
    P = gymnasium.make("Taxi-v4").unwrapped.P
    value = np.zeros(len(P))
    worth = lambda state: [reward + (0 if end else value[next]) for ((_, next, reward, end),) in (P[state][a] for a in range(6))]
    for _ in range(30):
        value = np.array([max(worth(state)) for state in range(len(P))])
    return lambda observation: int(np.argmax(worth(observation)))


def record_toy_text():
    maps = [{"size": size, "p": p, "seed": seed} for size, p, seed in
            [(8, 0.8, 0), (8, 0.8, 1), (4, 0.8, 42), (2, 0.5, 3), (10, 0.65, 7), (20, 0.7, 8), (5, 1.0, 9), (7, 1 / 3, 2)]]
    lakes = [
        {}, {"is_slippery": False}, {"map_name": "8x8", "success_rate": 0.75},
        {"desc": ["SFFHF", "FSFFF", "FHFFG"], "reward_schedule": [10, -5, -0.25], "success_rate": 0.9},
        {"desc": generate_random_map(**maps[4]), "reward_schedule": [1, -1, 0]},
    ]
    cliffs = [("CliffWalking-v1", {}), ("CliffWalking-v1", {"is_slippery": True}), ("CliffWalkingSlippery-v1", {})]
    taxis = [{}, {"is_rainy": True}, {"fickle_passenger": True},
             {"is_rainy": True, "fickle_passenger": True, "rainy_probability": 0.5, "fickle_probability": 1.0}]
    variants = [("FrozenLake-v1", kwargs) for kwargs in lakes] + cliffs + [("Taxi-v4", kwargs) for kwargs in taxis]
    runs = []
    for id, kwargs in variants:
        policy = taxi_policy() if id == "Taxi-v4" else None
        for seed in (0, 42):
            runs.append(run(id, seed=seed, steps=300, kwargs=kwargs, policy=policy))
    # Far from the cliff, up, right and down, so that episodes end.
    way = lambda observation: 2 if observation % 12 == 11 else 0 if observation >= 12 else 1
    runs += [run(id, seed=3, steps=400, kwargs=kwargs, policy=way) for id, kwargs in cliffs]
    runs.append(run("Taxi-v4", seed=4, steps=100, max_episode_steps=30))
    write("toy-text", {
        "runs": runs,
        "tables": [table(id, kwargs) for id, kwargs in variants],
        "maps": [{**arguments, "map": generate_random_map(**arguments)} for arguments in maps],
    }, compressed=True)


if __name__ == "__main__":
    record_draws()
    record_float32_trigonometry()
    record_spaces()
    record_classic_control()
    record_toy_text()
