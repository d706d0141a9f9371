import { readYaml } from '../../engine/template/index.ts';
import { commandLine } from '../../platform/process.ts';
import type { EnvironmentRecord } from '../record.ts';
import type { CfPlan } from './plan-cf.ts';

/** In front of names of environment variables that carry a user's own values to bosh. */
const varsPrefix = 'CF_VAR';

/**
 * What `cf up` does, as lines for a POSIX shell that work without it. Of the user's variables the names alone are shown, for
 * some may be secrets: bosh reads them from its environment.
 */
export function boshLines(
  plan: CfPlan,
  typed: readonly string[],
  record: Pick<EnvironmentRecord, 'name' | 'host'>,
): string[] {
  // guests of a private host are reached from its network namespace alone
  const logIn = record.host === 'private' ? [] : [`eval "$(boshvirt env ${record.name})"`];
  const bosh = record.host === 'private' ? ['boshvirt', 'exec', record.name, '--', 'bosh'] : ['bosh'];
  return [
    `# ${plan.why}`,
    ...logIn,
    commandLine([...bosh, ...uploadStemcell(plan)]),
    ...typed.map((name) => `# set and export ${varsPrefix}_${name}, the value of -v ${name}, as YAML`),
    deployLine([...bosh, '-d', plan.deployment, 'deploy', plan.manifestPath], plan, typed),
  ];
}

function uploadStemcell({ stemcell: { name, version, url, sha1 } }: CfPlan): string[] {
  // with name and version bosh looks whether the director has it before that downloads it
  const known = version === 'latest' ? [] : [`--name=${name}`, `--version=${version}`];
  return ['upload-stemcell', url, ...known, ...(sha1 === undefined ? [] : [`--sha1=${sha1}`])];
}

function deployLine(words: readonly string[], plan: CfPlan, typed: readonly string[]): string {
  const ours = Object.entries(plan.vars).filter(([name]) => !typed.includes(name));
  const options = [
    ...plan.opsFiles.map((path) => ['-o', path]),
    ...plan.varsFiles.map((path) => ['-l', path]),
    ...ours.map(([name, value]) => ['-v', `${name}=${asYaml(String(value))}`]),
    ...(typed.length > 0 ? [[`--vars-env=${varsPrefix}`]] : []),
  ];
  return [words, ...options].map(commandLine).join(' \\\n  ');
}

/** bosh reads values as YAML: `1.330` would be the number 1.33. */
const asYaml = (text: string): string =>
  readYaml(text, 'a variable') === text ? text : JSON.stringify(text);
