import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../../src/platform/process.ts';
import { bundledDirector } from './stand-ins/bundled-director.ts';
import { type TestPackage, type TestRelease, writeRelease } from './write-release.ts';

const userAdd = {
  name: 'user_add',
  properties: { users: {} },
  templates: {
    // busybox's guest has no useradd
    'bin/pre-start': `#!/bin/sh
set -e
<% p("users").each do |user| -%>
grep -q '^<%= user["name"] %>:' /etc/passwd || {
  echo '<%= user["name"] %>:x:1999:1999::/home/<%= user["name"] %>:/bin/sh' >> /etc/passwd
  echo '<%= user["name"] %>:x:1999:' >> /etc/group
  echo '<%= user["name"] %>:*:19000:0:99999:7:::' >> /etc/shadow
  echo '<%= user["name"] %> ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers
}
mkdir -p '/home/<%= user["name"] %>/.ssh'
echo '<%= user["public_key"].strip %>' > '/home/<%= user["name"] %>/.ssh/authorized_keys'
chown -R 1999:1999 '/home/<%= user["name"] %>'
chmod 700 '/home/<%= user["name"] %>/.ssh'
<% end -%>
`,
  },
};

/** The director out of the fixture of bosh-deployment is the stand-in; it takes UAA's word for who may log in. */
const director = {
  name: 'director',
  packages: ['director'],
  properties: { 'director.name': {}, 'director.ssl.cert': {}, 'director.ssl.key': {} },
  templates: {
    'config/options.json': `<%= JSON.dump({
  host: '0.0.0.0', port: 25555, folder: '/var/vcap/store/director', name: p('director.name'),
  certificate: p('director.ssl.cert'), key: p('director.ssl.key'), passwordFile: '/var/vcap/jobs/uaa/config/admin'
}) %>`,
    'bin/ctl': `#!/bin/sh
pidfile=/var/vcap/sys/run/director/director.pid
case "$1" in
  start)
    mkdir -p /var/vcap/sys/run/director /var/vcap/sys/log/director
    cd /var/vcap/packages/director
    node=/usr/bin/node; [ -x node ] && node=./node
    LD_LIBRARY_PATH=lib setsid "$node" director.mjs /var/vcap/jobs/director/config/options.json \\
      >> /var/vcap/sys/log/director/director.log 2>&1 </dev/null &
    echo $! > "$pidfile"
    ;;
  stop) kill "$(cat "$pidfile")"; rm -f "$pidfile" ;;
esac
`,
  },
  monit: `check process director
  with pidfile /var/vcap/sys/run/director/director.pid
  start program "/var/vcap/jobs/director/bin/ctl start"
  stop program "/var/vcap/jobs/director/bin/ctl stop"
  group vcap
`,
};

const uaa = {
  name: 'uaa',
  properties: { 'uaa.clients': {} },
  templates: { 'config/admin': '<%= p("uaa.clients")["admin"]["secret"] %>' },
};

const job = (name: string) => ({ name });
const osConf = (version: string) => ({
  name: 'os-conf',
  version,
  jobs: [job('disable_agent'), job('sysctl'), userAdd],
});

/**
 * The releases that test/fixtures/bosh-deployment names, below `folder` as that README says, and their SHA-1s by name. With
 * `withNode` the director brings its own Node, for guests that have none.
 */
export async function writeDirectorReleases(
  folder: string,
  withNode: boolean,
): Promise<Record<string, string>> {
  const releases: TestRelease[] = [
    { name: 'bosh', version: '1', jobs: [director], packages: [await directorPackage(withNode)] },
    { name: 'bpm', version: '1', jobs: [job('bpm')] },
    { name: 'garden-runc', version: '1', jobs: [job('garden')] },
    { name: 'bosh-warden-cpi', version: '1', jobs: [job('warden_cpi')] },
    osConf('1'),
    osConf('2'),
    { name: 'uaa', version: '1', jobs: [uaa] },
    { name: 'credhub', version: '1', jobs: [job('credhub')] },
    { name: 'bosh-dns', version: '1', jobs: [job('bosh-dns')] },
  ];
  const written = releases.map(async (release) => {
    const name = `${release.name}-${release.version}`;
    return [name, await writeRelease(join(folder, `${name}.tgz`), release)] as const;
  });
  return Object.fromEntries(await Promise.all(written));
}

async function directorPackage(withNode: boolean): Promise<TestPackage> {
  const files = [{ name: 'director.mjs', content: await bundledDirector() }];
  const packaging = 'set -e\ncp -a ./* "$BOSH_INSTALL_TARGET/"\n';
  return { name: 'director', packaging, files: withNode ? [...files, ...(await nodeFiles())] : files };
}

/** This Node, and its libraries but for libc, which every guest has. */
async function nodeFiles() {
  const { stdout } = await run(['ldd', process.execPath]);
  const libraries = [...stdout.matchAll(/=> (\S+)/g)].filter(([, path]) => !path?.includes('/libc.so'));
  return [
    { name: 'node', content: await readFile(process.execPath), mode: 0o755 },
    ...(await Promise.all(
      libraries.map(async ([, path = '']) => ({
        name: `lib/${basename(path)}`,
        content: await readFile(path),
      })),
    )),
  ];
}
