import type { Sequence } from '../clause.ts';
import { answers } from './answers.ts';
import { atOnce } from './at-once.ts';
import { calls } from './calls.ts';
import { createEnv } from './create-env.ts';
import { director } from './director/index.ts';
import { end } from './end.ts';
import { stemcells } from './stemcells.ts';
import { unknown } from './unknown.ts';

/** In the order in which they are run. */
export const sequences: readonly Sequence[] = [
  calls,
  unknown,
  stemcells,
  createEnv,
  director,
  atOnce,
  end,
  answers,
];
