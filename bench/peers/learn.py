"""A learning curve of the SAC of stable-baselines3 or sbx, to hold beside one of `npm run study`: one seed, as CSV.

    learn.py --library sbx --spec Walker2d-v5 --steps 200000 --seed 1 --out FILE.csv [--threads 1]

Every hyperparameter is the library's default, but for 10,000 random steps at first, as the study has on MuJoCo's robots. Evaluated
with the mean action over ten episodes every 5,000 steps, in an environment of its own.
"""

import argparse
import csv
from pathlib import Path

from peers import limit_threads

EVERY, EPISODES, EVALUATION_SEED = 5000, 10, 1_000_003


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=["sb3", "sbx"], default="sbx")
    parser.add_argument("--spec", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    limit_threads(args.threads)
    learn(args)


def learn(args: argparse.Namespace) -> None:
    import gymnasium
    from stable_baselines3.common.callbacks import BaseCallback

    if args.library == "sbx":
        from sbx import SAC
    else:
        from stable_baselines3 import SAC

    evaluation = gymnasium.make(args.spec)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    table = args.out.open("w", newline="")
    rows = csv.writer(table)
    rows.writerow(["timesteps", "eval/return_mean", "eval/return_std", "eval/length_mean"])

    class Evaluate(BaseCallback):
        def _on_step(self) -> bool:
            if self.num_timesteps % EVERY == 0:
                rows.writerow([self.num_timesteps, *play(self.model, evaluation)])
                table.flush()
            return True

    model = SAC("MlpPolicy", gymnasium.make(args.spec), seed=args.seed, learning_starts=10_000)
    model.learn(args.steps, callback=Evaluate())
    table.close()


def play(model, env) -> tuple[float, float, float]:
    import numpy

    returns, lengths = [], []
    for episode in range(EPISODES):
        observation, _ = env.reset(seed=EVALUATION_SEED + episode)
        total, length, over = 0.0, 0, False
        while not over:
            action, _ = model.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, _ = env.step(action)
            total, length, over = total + float(reward), length + 1, terminated or truncated
        returns.append(total)
        lengths.append(length)
    return float(numpy.mean(returns)), float(numpy.std(returns)), float(numpy.mean(lengths))


if __name__ == "__main__":
    main()
