import { messageOf, UserError } from '../../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { generateValue } from './generators.ts';
import type { VariableSource } from './interpolate.ts';
import { isMap, type Node, type NodeMap, readYaml, writeYaml } from './yaml.ts';

/**
 * bosh's vars-store: a YAML file with one value per generated variable. A value that is there is never made again; each new
 * one is written (0600, atomically) before it is used.
 */
export class VarsStore {
  readonly #path: string;
  #values: NodeMap | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  readonly source: VariableSource = async (definition) => {
    const values = await this.#load();
    if (definition.name in values) return values[definition.name];
    if (definition.type === '') return undefined;
    const value = await generateValue(definition, async (name) => (await this.#load())[name]);
    await this.#save({ ...values, [definition.name]: value });
    return value;
  };

  async #load(): Promise<NodeMap> {
    this.#values ??= parse((await readTextIfThere(this.#path)) ?? '', this.#path);
    return this.#values;
  }

  async #save(values: NodeMap): Promise<void> {
    await writeFileAtomic(this.#path, writeYaml(values));
    this.#values = values;
  }
}

/** Throws STATE_DAMAGED: the values in it cannot be made again. */
function parse(text: string, path: string): NodeMap {
  const node = readYamlOrSay(text, path);
  if (node === null) return {};
  if (isMap(node)) return node;
  throw damaged(`The credentials ${path} are no map of variables`);
}

function readYamlOrSay(text: string, path: string): Node {
  try {
    return readYaml(text, path);
  } catch (error) {
    throw damaged(`The credentials cannot be read: ${messageOf(error)}`, error);
  }
}

const damaged = (message: string, cause?: unknown): UserError =>
  new UserError('STATE_DAMAGED', message, {
    cause,
    hints: [
      'put the file back from a backup',
      'or delete it: the machine is then made anew with new credentials, and keeps its persistent disk',
    ],
  });
