/** What `bosh interpolate` does, as bosh does it: operations first, then variables. */
import { readFile } from 'node:fs/promises';
import { messageOf, UserError } from '../../platform/errors.ts';
import { Interpolation, type VariableSource } from './interpolate.ts';
import { applyOps, operationsIn } from './ops.ts';
import { VarsStore } from './vars-store.ts';
import { isMap, type Node, type NodeMap, readYaml, writeYaml } from './yaml.ts';

export { applyOps } from './ops.ts';
export { isMap, type Node, type NodeMap, readYaml, writeJsonForYaml, writeYaml } from './yaml.ts';

/** The inputs of an interpolation, by the names that bosh gives them. */
export interface TemplateInputs {
  readonly manifestPath: string;
  readonly opsFiles: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  readonly varsFiles: readonly string[];
  /** Defined variables that have no value are generated into this file; without it they stay as they are. */
  readonly varsStorePath?: string;
}

export interface Rendered {
  readonly manifest: NodeMap;
  readonly text: string;
  readonly usedVariables: readonly string[];
}

/** The manifest with everything filled in. Throws a UserError that names every variable without a value at once. */
export async function renderManifest(inputs: TemplateInputs): Promise<Rendered> {
  const { document, interpolation } = await interpolate(inputs);
  if (interpolation.missing.size > 0) {
    const names = [...interpolation.missing].sort();
    throw new UserError('USAGE', `${inputs.manifestPath} needs values for: ${names.join(', ')}`, {
      hints: [`give each with -v NAME=VALUE, or all in a file with -l`],
    });
  }
  if (!isMap(document)) throw new UserError('USAGE', `${inputs.manifestPath} is no map`);
  return { manifest: document, text: writeYaml(document), usedVariables: [...interpolation.used].sort() };
}

/** The manifest with what is known filled in; other variables stay ((names)). */
export async function interpolateText(inputs: TemplateInputs): Promise<string> {
  return writeYaml((await interpolate(inputs)).document);
}

async function interpolate(
  inputs: TemplateInputs,
): Promise<{ document: Node; interpolation: Interpolation }> {
  const operations = await Promise.all(
    inputs.opsFiles.map(async (path) => operationsIn(await readFileAsYaml(path), path)),
  );
  const changed = applyOps(await readFileAsYaml(inputs.manifestPath), operations.flat());
  const interpolation = new Interpolation(changed, await sourceOf(inputs));
  return { document: await interpolation.fill(changed), interpolation };
}

/** Flags win over files, a later file over an earlier one, all over the store (as with bosh). */
async function sourceOf({ vars, varsFiles, varsStorePath }: TemplateInputs): Promise<VariableSource> {
  const given: NodeMap = {};
  for (const path of varsFiles) Object.assign(given, await readVars(path));
  Object.assign(given, vars);
  const store = varsStorePath === undefined ? undefined : new VarsStore(varsStorePath);
  return async (definition) =>
    Object.hasOwn(given, definition.name) ? given[definition.name] : await store?.source(definition);
}

async function readVars(path: string): Promise<NodeMap> {
  const node = await readFileAsYaml(path);
  if (node === null) return {};
  if (isMap(node)) return node;
  throw new UserError('USAGE', `${path} is no map of variables`);
}

async function readFileAsYaml(path: string): Promise<Node> {
  try {
    return readYaml(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('USAGE', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
