/** The CPI release's job as bosh renders it: by Ruby. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';

const templates = join(packageRoot(), 'templates', 'release');

/** Does to a template what bosh does: `p` finds the spec's properties, given or by default, and null is not given. */
const renderer = `
require 'erb'; require 'json'; require 'yaml'
given = JSON.parse(ENV.fetch('PROPERTIES'))
spec = YAML.load_file(File.join(ENV.fetch('TEMPLATES'), 'job.MF'))['properties']
values = spec.to_h { |name, about| [name, given.dig(*name.split('.')).then { |value| value.nil? ? about['default'] : value }] }
define_method(:p) do |names, *fallback|
  found = Array(names).map { |name| values.fetch(name) }.find { |value| !value.nil? }
  next found unless found.nil?
  fallback.empty? ? raise("no property #{names}") : fallback[0]
end
names = JSON.parse(ENV.fetch('NAMES'))
texts = names.to_h { |name| [name, ERB.new(File.read(File.join(ENV.fetch('TEMPLATES'), name)), trim_mode: '-').result(binding)] }
print JSON.generate(texts)
`;

/** The texts of some of the job's templates. */
async function render(names: readonly string[], properties: unknown): Promise<Record<string, string>> {
  const env = {
    PROPERTIES: JSON.stringify(properties),
    TEMPLATES: templates,
    NAMES: JSON.stringify(names),
  };
  return JSON.parse((await run(['ruby', '-e', renderer], { env })).stdout) as Record<string, string>;
}

/** The text of one of the job's templates. */
export const renderTemplate = async (name: string, properties: unknown): Promise<string> =>
  (await render([name], properties))[name] ?? '';

/** Lays the rendered job into a folder, as a director's VM has it, and gives the path of its bin/cpi. */
export async function renderJob(folder: string, properties: unknown): Promise<string> {
  const spec = parse(await readFile(join(templates, 'job.MF'), 'utf8')) as {
    templates: Record<string, string>;
  };
  const texts = await render(Object.keys(spec.templates), properties);
  for (const [name, target] of Object.entries(spec.templates)) {
    const path = join(folder, target);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, texts[name] ?? '');
    await chmod(path, target.startsWith('bin/') ? 0o755 : 0o640);
  }
  return join(folder, 'bin', 'cpi');
}
