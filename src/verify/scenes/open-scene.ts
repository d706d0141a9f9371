import type { Scene } from '../scene.ts';

/** A scene that stands; disposing of it takes it away. */
export interface OpenScene extends AsyncDisposable {
  readonly scene: Scene;
}
