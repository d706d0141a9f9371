/** `node director-main <options.json>`: a stand-in director that answers until it is ended. */
import { readFileSync } from 'node:fs';
import { StandInDirector } from './director.ts';

const [, , optionsPath = ''] = process.argv;
const { passwordFile, ...options } = JSON.parse(readFileSync(optionsPath, 'utf8'));
const password = options.password ?? readFileSync(passwordFile, 'utf8').trim();
await new StandInDirector({ ...options, password }).listen();
process.stdout.write(`answers at ${options.host} port ${options.port}\n`);
