"""Records what Gymnasium, MuJoCo and numpy compute, for the parity tests under test/.

    python3 -m venv /tmp/fixtures && /tmp/fixtures/bin/pip install -r scripts/requirements-fixtures.txt
    /tmp/fixtures/bin/python scripts/record-gymnasium-fixtures.py [folder, default test/fixtures]

Every seed stands in the files it writes; two runs on one machine write the same bytes. Long arrays are base64 of
little-endian elements, short ones are JSON numbers, whose shortest form reads back exactly. What would be large is
compressed (.json.gz).
"""

import base64
import gzip
import hashlib
import json
import pathlib
import sys

import gymnasium
import mujoco
import numpy as np

VERSIONS = {"gymnasium": gymnasium.__version__, "mujoco": mujoco.__version__, "numpy": np.__version__}
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "test" / "fixtures")


def packed(array):
    array = np.ascontiguousarray(array)
    data = base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "base64": data}


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"versions": VERSIONS, **content}, indent=1, sort_keys=True, default=lambda x: x.item())
    (OUT / f"{name}.json").write_text(text + "\n")
    print(f"{name}.json: {len(text)} bytes")


def write_compressed(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"versions": VERSIONS, **content}, separators=(",", ":"), sort_keys=True, default=lambda x: x.tolist())
    data = gzip.compress(text.encode(), mtime=0)
    (OUT / f"{name}.json.gz").write_bytes(data)
    print(f"{name}.json.gz: {len(data)} bytes")


# numpy's generator -------------------------------------------------------------------------------------------------

# Both sides of every branch: 0 and 1 element, a power of two, just over one, 2^32 − 1, 2^32 and beyond.
RANGES = [(0, 1), (0, 2), (0, 10), (-5, 6), (0, 1000), (0, 2**31 + 1), (0, 2**32 - 1), (0, 2**32), (-7, 2**32), (0, 2**40 + 1), (0, 2**53 - 1)]


def state_of(generator):
    state = generator.bit_generator.state
    words = [state["state"]["state"], state["state"]["inc"]]
    low_high = [str(word >> shift & (2**64 - 1)) for word in words for shift in (0, 64)]
    return low_high + [str(state["has_uint32"]), str(state["uinteger"])]


def generator_case(seed):
    make = lambda: np.random.default_rng(seed)
    mixed = make()
    steps = []
    for round_ in range(40):
        steps.append(["integers", 0, 7 + round_, int(mixed.integers(0, 7 + round_))])
        if round_ % 3 == 0:
            steps.append(["random", mixed.random()])
        if round_ % 4 == 0:
            steps.append(["standardNormal", mixed.standard_normal()])
        if round_ % 5 == 0:
            steps.append(["uniform", -1.5, 0.25, mixed.uniform(-1.5, 0.25)])
        if round_ % 7 == 0:
            steps.append(["integers", -3, 2**41, int(mixed.integers(-3, 2**41))])
        if round_ % 9 == 0:
            steps.append(["standardExponential", mixed.standard_exponential()])
    parent = make()
    first, second = parent.spawn(2)
    grandchild = first.spawn(1)[0]
    return {
        "seed": str(seed),
        "generated": [int(w) for w in np.random.SeedSequence(seed).generate_state(8)],
        "raw": [str(w) for w in make().bit_generator.random_raw(20)],
        "random": make().random(20).tolist(),
        "uniform": make().uniform(-0.1, 0.1, 9).tolist(),
        "uniform_between": make().uniform(np.array([-1.0, 0.0, 2.0]), np.array([1.0, 0.5, 2.25])).tolist(),
        "standard_normal": make().standard_normal(40).tolist(),
        "standard_exponential": make().standard_exponential(40).tolist(),
        "integers": [{"low": low, "high": high, "drawn": make().integers(low, high, 25).tolist()} for low, high in RANGES],
        "mixed": steps,
        "state_after_mixed": state_of(mixed),
        "children": [g.bit_generator.random_raw(4).astype(str).tolist() for g in (first, second, grandchild)],
    }


def record_numpy():
    many = 200_000
    rng = np.random.default_rng(42)
    squares = []
    for n in (0, 1, 2, 3, 6, 7, 8, 9, 15, 16, 17, 23, 64, 100, 128):
        x = rng.uniform(-1, 1, n).astype(np.float32)
        squares.append({"x": packed(x), "sum": float(np.sum(np.square(x)))})
    # As cfrc_ext is summed: a matrix, whose rows numpy does not tell apart.
    forces = rng.uniform(-1, 1, (14, 6))
    write("numpy", {
        "generators": [generator_case(seed) for seed in (0, 1, 42, 123456789, 2**32, 2**53 - 1, 2**130 + 12345)],
        # Digests of float64 bytes: long enough to reach wedges and tails many times over.
        "digests": {
            "count": many,
            "seed": 7,
            "random": digest(np.random.default_rng(7).random(many)),
            "standard_normal": digest(np.random.default_rng(7).standard_normal(many)),
            "standard_exponential": digest(np.random.default_rng(7).standard_exponential(many)),
            "integers": digest(np.random.default_rng(7).integers(0, 3_000_000_019, many).astype(np.float64)),
        },
        "float32_sums_of_squares": squares,
        "float64_sum_of_squares": {"x": packed(forces), "sum": float(np.sum(np.square(forces)))},
    })


# Spaces ------------------------------------------------------------------------------------------------------------


def record_spaces():
    inf = np.inf
    text = lambda bound: [str(x) if np.isfinite(x) else ("Infinity" if x > 0 else "-Infinity") for x in np.ravel(bound)]
    boxes = []
    for dtype, low, high in [
        ("float32", [-1.0] * 6, [1.0] * 6),
        ("float32", [-2.0], [2.0]),
        ("float64", [-inf] * 17, [inf] * 17),
        ("float32", [-1.0, -inf, 0.5, -inf, -0.1], [1.0, inf, inf, 3.0, 0.7]),
        ("float64", [[-inf, 0.0], [-3.0, -inf]], [[inf, 1.0], [inf, 2.0]]),
    ]:
        space = gymnasium.spaces.Box(np.array(low, dtype), np.array(high, dtype), dtype=np.dtype(dtype).type, seed=11)
        boxes.append({
            "dtype": dtype, "shape": list(space.shape), "low": text(low), "high": text(high), "seed": 11,
            "samples": packed(np.stack([space.sample() for _ in range(12)]).reshape(12, -1)),
        })
    discretes = []
    for n, start in [(1, 0), (2, 0), (5, -3), (100, 7)]:
        space = gymnasium.spaces.Discrete(n, seed=11, start=start)
        discretes.append({"n": n, "start": start, "seed": 11, "samples": [int(space.sample()) for _ in range(40)]})
    write("spaces", {"boxes": boxes, "discretes": discretes})


# Environments ------------------------------------------------------------------------------------------------------


def pendulum_state(env):
    return np.array(env.unwrapped.state)


def mujoco_state(env):
    spec = mujoco.mjtState.mjSTATE_INTEGRATION
    state = np.empty(mujoco.mj_stateSize(env.unwrapped.model, spec))
    mujoco.mj_getState(env.unwrapped.model, env.unwrapped.data, state, spec)
    return state


def xy_of(body):
    return lambda env: env.unwrapped.data.body(body).xpos[:2].copy()


def xy_of_mass_center(env):
    return gymnasium.envs.mujoco.humanoid_v5.mass_center(env.unwrapped.model, env.unwrapped.data)


def as_json(kwargs):
    """JSON has no literal for infinity; the environments here take its name."""
    end = lambda x: x if np.isfinite(x) else ("Infinity" if x > 0 else "-Infinity")
    return {name: [end(x) for x in value] if isinstance(value, tuple) else value for name, value in kwargs.items()}


def resets(id, state_of_env, cases):
    recorded = []
    for kwargs, seed, options in cases:
        env = gymnasium.make(id, **kwargs)
        first, info = env.reset(seed=seed, options=options)
        again, info_again = env.reset()
        recorded.append({
            "kwargs": as_json(kwargs), "seed": seed, "options": options, "observation": packed(first), "info": info,
            "unseeded": {"observation": packed(again), "info": info_again},
        })
        env.close()
    return recorded


def trajectory(id, state_of_env, *, seed, steps, kwargs={}, max_episode_steps=None, scale=1.0, memory_of_env=None):
    """`steps` steps with actions drawn from the action space's own generator (same seed), times `scale`.

    Where an episode ends before the last step, another begins. `memory_of_env` gives what the next step reads beside the
    simulator's state."""
    env = gymnasium.make(id, max_episode_steps=max_episode_steps, **kwargs)
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    states, actions, observations, rewards, terminated, truncated, infos = [], [], [observation], [], [], [], []
    memories, restarts = [], []
    for step in range(steps):
        if step > 0 and (terminated[-1] or truncated[-1]):
            restarts.append({"step": step, "observation": packed(env.reset()[0])})
        action = env.action_space.sample() * env.action_space.dtype.type(scale)
        states.append(state_of_env(env))
        if memory_of_env is not None:
            memories.append(memory_of_env(env))
        actions.append(action)
        observation, reward, term, trunc, info = env.step(action)
        observations.append(observation)
        rewards.append(float(reward))
        terminated.append(bool(term))
        truncated.append(bool(trunc))
        infos.append({name: np.asarray(value, np.float64) for name, value in info.items()})
    env.close()
    return {
        "seed": seed, "kwargs": as_json(kwargs), "max_episode_steps": max_episode_steps, "scale": scale,
        "states": packed(np.stack(states)),
        "actions": packed(np.stack(actions)),
        "observations": packed(np.stack(observations)),
        "rewards": packed(np.array(rewards)),
        "terminated": terminated,
        "truncated": truncated,
        "infos": {name: packed(np.stack([info[name] for info in infos])) for name in infos[0]},
        **({"memories": packed(np.stack(memories))} if memories else {}),
        **({"restarts": restarts} if restarts else {}),
    }


def record_pendulum():
    id = "Pendulum-v1"
    write("pendulum-v1", {
        "id": id,
        "resets": resets(id, pendulum_state, [({}, seed, None) for seed in (0, 1, 42, 123, 2**31)] + [
            ({}, 5, {"x_init": 0.5, "y_init": 2.0}), ({}, 6, {"y_init": 0.0}),
        ]),
        "trajectories": [
            trajectory(id, pendulum_state, seed=0, steps=200),
            trajectory(id, pendulum_state, seed=42, steps=200),
            trajectory(id, pendulum_state, seed=3, steps=100, scale=2.5),
            trajectory(id, pendulum_state, seed=4, steps=100, kwargs={"g": 9.81}),
            trajectory(id, pendulum_state, seed=5, steps=20, max_episode_steps=20),
        ],
    })


def record_half_cheetah():
    id = "HalfCheetah-v5"
    variant = {"frame_skip": 3, "forward_reward_weight": 2.5, "ctrl_cost_weight": 0.37, "reset_noise_scale": 0.02,
               "exclude_current_positions_from_observation": False}
    write("half-cheetah-v5", {
        "id": id,
        "resets": resets(id, mujoco_state, [({}, seed, None) for seed in (0, 1, 42, 123, 2**31)] + [(variant, 9, None)]),
        "trajectories": [
            trajectory(id, mujoco_state, seed=0, steps=200),
            trajectory(id, mujoco_state, seed=42, steps=200),
            trajectory(id, mujoco_state, seed=3, steps=60, scale=1.7),
            trajectory(id, mujoco_state, seed=4, steps=60, kwargs=variant),
            trajectory(id, mujoco_state, seed=5, steps=20, max_episode_steps=20),
        ],
    })


def record_mujoco(name, id, variants, *, seed=0, side_steps=40, memory_of_env=None):
    """The environment with its own arguments, with actions out of range, with each of `variants`, and its model."""
    def run(**options):
        return trajectory(id, mujoco_state, memory_of_env=memory_of_env, **options)

    write_compressed(name, {
        "id": id,
        "resets": resets(id, mujoco_state, [({}, seed, None) for seed in (0, 1, 42, 123, 2**31)] + [
            (variant, 9, None) for variant in variants
        ]),
        "trajectories": [
            run(seed=seed, steps=200),
            run(seed=3, steps=side_steps, scale=1.7),
            run(seed=5, steps=side_steps // 2 + 5, max_episode_steps=side_steps // 4),
        ] + [run(seed=6, steps=60, kwargs=variant) for variant in variants],
    })
    record_model(f"{name}-model", id, write_compressed)


def record_hopper():
    record_mujoco("hopper-v5", "Hopper-v5", [
        {"terminate_when_unhealthy": False, "frame_skip": 2, "exclude_current_positions_from_observation": False},
        {"forward_reward_weight": 2.5, "ctrl_cost_weight": 0.37, "healthy_reward": 0.3, "reset_noise_scale": 0.02,
         "healthy_state_range": (-4.0, 4.0), "healthy_z_range": (0.9, 1.3), "healthy_angle_range": (-0.1, np.inf)},
    ])


def record_walker2d():
    record_mujoco("walker2d-v5", "Walker2d-v5", [
        {"terminate_when_unhealthy": False, "frame_skip": 6, "exclude_current_positions_from_observation": False},
        {"forward_reward_weight": 2.5, "ctrl_cost_weight": 0.37, "healthy_reward": 0.3, "reset_noise_scale": 0.02,
         "healthy_z_range": (1.0, np.inf), "healthy_angle_range": (-0.4, 0.2)},
    ])


def record_ant():
    record_mujoco("ant-v5", "Ant-v5", [
        {"include_cfrc_ext_in_observation": False, "terminate_when_unhealthy": False, "frame_skip": 3,
         "exclude_current_positions_from_observation": False},
        {"forward_reward_weight": 2.5, "ctrl_cost_weight": 0.37, "contact_cost_weight": 0.011, "healthy_reward": 0.3,
         "contact_force_range": (-np.inf, 400.0), "reset_noise_scale": 0.05, "healthy_z_range": (0.4, np.inf)},
    ], memory_of_env=xy_of(1))


def record_ant_main_body():
    id, kwargs = "Ant-v5", {"main_body": "aux_3", "include_cfrc_ext_in_observation": False}
    write_compressed("ant-v5-main-body", {
        "id": id, "resets": [],
        "trajectories": [trajectory(id, mujoco_state, seed=7, steps=20, kwargs=kwargs, memory_of_env=xy_of("aux_3"))],
    })


def record_swimmer():
    record_mujoco("swimmer-v5", "Swimmer-v5", [
        {"frame_skip": 7, "exclude_current_positions_from_observation": False, "reset_noise_scale": 0.4},
        {"forward_reward_weight": 2.5, "ctrl_cost_weight": 0.37},
    ])


def record_inverted_pendulum():
    record_mujoco("inverted-pendulum-v5", "InvertedPendulum-v5", [{"frame_skip": 1, "reset_noise_scale": 0.05}])


def record_inverted_double_pendulum():
    record_mujoco("inverted-double-pendulum-v5", "InvertedDoublePendulum-v5", [
        {"frame_skip": 2, "healthy_reward": 3.5, "reset_noise_scale": 0.02},
        # Reaches the ends of the rail, where the observed constraint force is not 0.
        {"frame_skip": 12, "reset_noise_scale": 0.5},
    ])


def record_reacher():
    record_mujoco("reacher-v5", "Reacher-v5", [
        {"frame_skip": 5, "reward_dist_weight": 0.3, "reward_control_weight": 0.37},
    ])


# Of Humanoid's 348 observed numbers hardly any can be compressed, so its trajectories are few and short.
NO_EXTRAS = {f"include_{name}_in_observation": False for name in ("cinert", "cvel", "qfrc_actuator", "cfrc_ext")}


def record_humanoid():
    record_mujoco("humanoid-v5", "Humanoid-v5", [
        {**NO_EXTRAS, "terminate_when_unhealthy": False, "frame_skip": 3,
         "exclude_current_positions_from_observation": False},
        {**NO_EXTRAS, "forward_reward_weight": 2.5, "ctrl_cost_weight": 0.37, "contact_cost_weight": 0.011,
         "contact_cost_range": (0.5, 400.0), "healthy_reward": 0.3, "reset_noise_scale": 0.05,
         "healthy_z_range": (0.9, np.inf), "include_qfrc_actuator_in_observation": True},
    ], side_steps=12, memory_of_env=xy_of_mass_center)


def record_humanoid_standup():
    record_mujoco("humanoid-standup-v5", "HumanoidStandup-v5", [
        {**NO_EXTRAS, "frame_skip": 3, "exclude_current_positions_from_observation": False},
        {**NO_EXTRAS, "uph_cost_weight": 2.5, "ctrl_cost_weight": 0.37, "impact_cost_weight": 0.011,
         "impact_cost_range": (0.5, 400.0), "reset_noise_scale": 0.05, "include_cfrc_ext_in_observation": True},
    ], side_steps=12)


def record_pusher():
    record_mujoco("pusher-v5", "Pusher-v5", [
        {"frame_skip": 3, "reward_near_weight": 0.3, "reward_dist_weight": 2.5, "reward_control_weight": 0.37},
    ], seed=1)  # With seed 1 the hand touches the puck.


# What sizes the memory, names things or only shows in a picture is no part of the mechanics.
IGNORED = ("key", "numeric", "name", "mat_", "tex_", "light_", "text_", "geom_user", "geom_matid", "geom_rgba", "paths", "vis", "stat")


def record_model(name, id, write=write):
    env = gymnasium.make(id)
    model = env.unwrapped.model
    arrays, sizes = {}, {}
    for key in sorted(dir(model)):
        if key.startswith("_") or key.startswith(IGNORED):
            continue
        value = getattr(model, key)
        if isinstance(value, np.ndarray) and value.size > 0 and value.dtype.kind in "iufb":
            arrays[key] = np.ravel(value).astype(float).tolist()
        elif key in ("nq", "nv", "nu", "na", "nbody", "njnt", "ngeom", "nmocap", "ntendon", "neq", "nsensor"):
            sizes[key] = value
    option = {}
    for key in sorted(dir(model.opt)):
        value = getattr(model.opt, key)
        if not key.startswith("_") and not callable(value):
            option[key] = np.ravel(value).astype(float).tolist()
    env.close()
    write(name, {"id": id, "arrays": arrays, "sizes": sizes, "option": option})


if __name__ == "__main__":
    record_numpy()
    record_spaces()
    record_pendulum()
    record_half_cheetah()
    record_model("half-cheetah-v5-model", "HalfCheetah-v5")
    record_hopper()
    record_walker2d()
    record_ant()
    record_ant_main_body()
    record_swimmer()
    record_inverted_pendulum()
    record_inverted_double_pendulum()
    record_reacher()
    record_humanoid()
    record_humanoid_standup()
    record_pusher()
