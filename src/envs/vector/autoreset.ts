// When a vector environment begins the next episode of a sub-environment that ended one, as gymnasium.vector.AutoresetMode.

export const AUTORESET_MODES = [
  /** The next step resets it instead of stepping: its action is ignored, its reward is 0. */
  'NextStep',
  /** The step that ends the episode resets too; what ended stands in the infos `final_obs` and `final_info`. */
  'SameStep',
  /** The caller resets it, by `reset_mask`; a step before that is refused. */
  'Disabled',
] as const;

export type AutoresetMode = (typeof AUTORESET_MODES)[number];
