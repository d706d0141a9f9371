/** `node director-main <options.json>`: a stand-in director that answers until it is ended. */
import { readFileSync } from 'node:fs';
import { StandInDirector } from './director.ts';

const [, , optionsPath = ''] = process.argv;
await new StandInDirector(JSON.parse(readFileSync(optionsPath, 'utf8'))).listen();
