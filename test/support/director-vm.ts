/** A machine of boshvirt's that plays a director's VM: the CPI's job lies in it as bosh would have rendered it. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JsonValue } from '../../src/cpi/backend.ts';
import { sshArgv } from '../../src/environment/ssh.ts';
import { run } from '../../src/platform/process.ts';
import { type TarballFile, tarball } from '../../src/release/tarball.ts';
import { renderJob } from './render-job.ts';

interface Answer {
  readonly result: JsonValue;
  readonly error: { readonly type: string; readonly message: string; readonly ok_to_retry: boolean } | null;
}

const directorUuid = '5dc8d8c8-6f0a-4e7c-9b0b-6f1f3a1c2d4e';
/** The director's folder for what it unpacks. */
export const temporary = '/var/vcap/data/tmp/director';

/** The machine of the environment `default` of whoever HOME says.  */
export class DirectorVm implements AsyncDisposable {
  /** For a connection of its own. */
  readonly #alone: readonly string[];
  readonly #ssh: readonly string[];
  readonly #folder: string;
  #requests = 100_000;
  /** What all calls wrote to stderr. */
  log = '';

  private constructor(alone: readonly string[], folder: string) {
    const shared = ['ControlMaster=auto', `ControlPath=${join(folder, 'ssh')}`, 'ControlPersist=600'];
    this.#alone = alone;
    this.#ssh = [...alone.slice(0, -1), ...shared.flatMap((option) => ['-o', option]), ...alone.slice(-1)];
    this.#folder = folder;
  }

  /** `folder` is one of this machine. Puts curl into the VM: every stemcell has it but the probe's. */
  static async open(folder: string): Promise<DirectorVm> {
    const vm = new DirectorVm(await sshArgv('default', []), folder);
    await vm.unpack('/', await curlFiles());
    await vm.shell(
      `sudo sh -c 'mkdir -p ${temporary} && chown vcap:vcap ${temporary} && chmod 700 ${temporary}'`,
    );
    return vm;
  }

  /** Runs a command line as vcap and gives its output. */
  async shell(line: string, input: string | Uint8Array = ''): Promise<string> {
    return (await this.#run(line, input)).stdout;
  }

  async #run(line: string, input: string | Uint8Array) {
    const [program = '', ...words] = [...this.#ssh, '--', line];
    return await run([program, ...words], { input, timeoutMs: 120_000 });
  }

  async unpack(folder: string, files: readonly TarballFile[]): Promise<void> {
    await this.shell(`sudo tar -xz -C ${folder}`, await tarball(files));
  }

  /** Lays the job with these properties into its place, for root and vcap to read; another job of that name goes. */
  async installJob(properties: object, name = 'boshvirt_cpi'): Promise<void> {
    const rendered = join(this.#folder, name);
    await renderJob(rendered, properties);
    const target = `/var/vcap/jobs/${name}`;
    await this.shell(`sudo rm -rf ${target}; sudo mkdir -p ${target}`);
    await this.unpack(target, await filesIn(rendered));
    await this.shell(`sudo chown -R root:vcap ${target}`);
  }

  /** One request as the director makes it: as vcap, with nothing in the environment but PATH and TMPDIR. */
  async request(method: string, args: readonly unknown[], job = 'boshvirt_cpi'): Promise<Answer> {
    const context = {
      director_uuid: directorUuid,
      request_id: `cpi-${this.#requests++}`,
      vm: { stemcell: { api_version: 3 } },
    };
    const request = JSON.stringify({ method, arguments: args, context, api_version: 3 });
    const environment = `env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=${temporary}`;
    // each call has a connection of its own: of several over one the guest's dropbear loses what a command said, or its status
    const argv = [...this.#alone, '--', `${environment} /var/vcap/jobs/${job}/bin/cpi`];
    const { stdout, stderr } = await run(argv as [string, ...string[]], {
      input: request,
      timeoutMs: 120_000,
    });
    this.log += stderr;
    if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`${method}: not one line: ${stdout}`);
    return JSON.parse(stdout) as Answer;
  }

  /** Ends the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const [program = '', ...words] = this.#ssh;
    await run([program, ...words.slice(0, -1), '-O', 'exit', ...words.slice(-1)], { okExitCodes: [255] });
  }

  /** The result of a call that works. Throws if it does not. */
  async call(method: string, ...args: readonly unknown[]): Promise<JsonValue> {
    const { result, error } = await this.request(method, args);
    if (error) throw new Error(`${method}: ${error.type}: ${error.message}`);
    return result;
  }

  /** The error of a call that is to fail, its type without the prefix. Throws if it works. */
  async failure(method: string, args: readonly unknown[], job?: string) {
    const { result, error } = await this.request(method, args, job);
    if (!error) throw new Error(`${method} was to fail and gave ${JSON.stringify(result)}`);
    return { type: error.type.replace('Bosh::Clouds::', ''), message: error.message };
  }
}

/** This machine's curl with all that it loads, beside what the guest has of that. */
async function curlFiles(): Promise<TarballFile[]> {
  const place = 'opt/curl';
  const { stdout } = await run(['ldd', '/usr/bin/curl']);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  const loader = libraries.find((path) => basename(path).startsWith('ld-linux')) ?? '';
  const words = `exec /${place}/${basename(loader)} --library-path /${place} /${place}/curl "$@"`;
  return [
    { name: 'usr/bin/curl', content: `#!/bin/sh\n${words}\n`, mode: 0o755 },
    ...(await Promise.all(
      ['/usr/bin/curl', ...libraries].map(async (path) => ({
        name: `${place}/${basename(path)}`,
        content: await readFile(path),
        mode: 0o755,
      })),
    )),
  ];
}

async function filesIn(folder: string): Promise<TarballFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    paths.map(async (path) => ({
      name: path.slice(folder.length + 1),
      content: await readFile(path),
      mode: (await stat(path)).mode & 0o777,
    })),
  );
}
