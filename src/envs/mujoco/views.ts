// Where the free camera of each robot stands, by the environment's id: Gymnasium's DEFAULT_CAMERA_CONFIG (1.4.0) where it
// has one, but that it follows the robot where Gymnasium's stays.
import { DEFAULT_VIEW, type View } from './picture.ts';

const following = (more: Partial<View>): View => ({ ...DEFAULT_VIEW, body: 'torso', ...more });

const VIEWS: Readonly<Record<string, View>> = {
  'Ant-v5': following({ at: [0, 0, 0.5] }),
  'HalfCheetah-v5': following({ at: [0, 0, 0.5] }),
  'Hopper-v5': following({ distance: 3, at: [0, 0, 1.15] }),
  'Humanoid-v5': following({ at: [0, 0, 1.1] }),
  'HumanoidStandup-v5': following({ at: [0, 0, 0.8925] }),
  'InvertedDoublePendulum-v5': { ...DEFAULT_VIEW, distance: 4.1225, elevation: -15, at: [0, 0, 0.5] },
  'InvertedPendulum-v5': { ...DEFAULT_VIEW, distance: 2.04, elevation: -15, at: [0, 0, 0.25] },
  'Pusher-v5': {
    ...DEFAULT_VIEW,
    distance: 2.2,
    azimuth: 125,
    elevation: -35,
    at: [0.15, -0.1, -0.2],
    fieldSize: 0.25,
  },
  'Reacher-v5': { ...DEFAULT_VIEW, distance: 1.0, elevation: -90, at: [0, 0, 0], fieldSize: 0.1 },
  'Swimmer-v5': following({ distance: 5, elevation: -40, at: [0, 0, 0] }),
  'Walker2d-v5': following({ at: [0, 0, 1.15] }),
};

export function viewOf(id: string): View {
  return VIEWS[id] ?? DEFAULT_VIEW;
}
