import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { tarball } from '../../src/release/tarball.ts';

/** The names under which a manifest speaks of the release. */
export const tinyRelease = { name: 'tiny', job: 'tiny' } as const;

const digest = (algorithm: 'sha1' | 'sha256', content: Uint8Array): string =>
  createHash(algorithm).update(content).digest('hex');

/**
 * Writes a release with one package that is compiled on the machine (its packaging script makes a program) and one job. The
 * job's pre-start has that program add the property `tiny.greeting` to a file on the persistent disk; its process, which
 * monit starts and stops, sleeps. Gives the tarball's SHA-1.
 */
export async function writeTinyRelease(path: string, version = '1'): Promise<string> {
  const packed = await tarball([
    { name: 'packaging', content: packaging, mode: 0o755 },
    { name: 'tiny/greet.in', content: program },
  ]);
  const job = await tarball([
    { name: 'job.MF', content: stringify(jobSpec) },
    { name: 'monit', content: monit },
    { name: 'templates/pre-start.erb', content: preStart },
    { name: 'templates/ctl', content: ctl },
  ]);
  const fingerprints = { package: digest('sha256', packed), job: digest('sha256', job) };
  const release = {
    name: tinyRelease.name,
    version,
    commit_hash: 'unknown',
    uncommitted_changes: false,
    jobs: [
      {
        name: 'tiny',
        version: fingerprints.job,
        fingerprint: fingerprints.job,
        sha1: digest('sha1', job),
        packages: ['tiny'],
      },
    ],
    packages: [
      {
        name: 'tiny',
        version: fingerprints.package,
        fingerprint: fingerprints.package,
        sha1: digest('sha1', packed),
        dependencies: [],
      },
    ],
  };
  const content = await tarball([
    { name: 'release.MF', content: stringify(release) },
    { name: 'jobs/tiny.tgz', content: job },
    { name: 'packages/tiny.tgz', content: packed },
  ]);
  await writeFile(path, content);
  return digest('sha1', content);
}

const packaging = `set -e
mkdir -p "$BOSH_INSTALL_TARGET/bin"
sed "s/@MADE@/compiled/" tiny/greet.in > "$BOSH_INSTALL_TARGET/bin/greet"
chmod 755 "$BOSH_INSTALL_TARGET/bin/greet"
`;

const program = `#!/bin/sh
echo "@MADE@: $1" >> /var/vcap/store/greetings
`;

const jobSpec = {
  name: 'tiny',
  templates: { 'pre-start.erb': 'bin/pre-start', ctl: 'bin/ctl' },
  packages: ['tiny'],
  properties: { 'tiny.greeting': { description: 'What is written down at each start', default: 'hello' } },
};

const preStart = `#!/bin/sh
/var/vcap/packages/tiny/bin/greet '<%= p("tiny.greeting") %>'
`;

const monit = `check process tiny
  with pidfile /var/vcap/sys/run/tiny/tiny.pid
  start program "/var/vcap/jobs/tiny/bin/ctl start"
  stop program "/var/vcap/jobs/tiny/bin/ctl stop"
  group vcap
`;

const ctl = `#!/bin/bash
pidfile=/var/vcap/sys/run/tiny/tiny.pid
case "$1" in
  start)
    mkdir -p "$(dirname "$pidfile")"
    sleep 1000000 >/dev/null 2>&1 </dev/null &
    echo $! > "$pidfile"
    ;;
  stop)
    kill "$(cat "$pidfile")"
    rm -f "$pidfile"
    ;;
esac
`;
