import { writeRelease } from './write-release.ts';

/** The names under which a manifest speaks of the release. */
export const tinyRelease = { name: 'tiny', job: 'tiny' } as const;

/**
 * Writes a release with one package that is compiled on the machine (its packaging script makes a program) and one job. The
 * job's pre-start has that program add the property `tiny.greeting` to a file on the persistent disk; its process, which
 * monit starts and stops, sleeps. Gives the tarball's SHA-1.
 */
export async function writeTinyRelease(path: string, version = '1'): Promise<string> {
  return await writeRelease(path, {
    name: tinyRelease.name,
    version,
    jobs: [job],
    packages: [{ name: 'tiny', packaging, files: [{ name: 'tiny/greet.in', content: program }] }],
  });
}

const packaging = `set -e
mkdir -p "$BOSH_INSTALL_TARGET/bin"
sed "s/@MADE@/compiled/" tiny/greet.in > "$BOSH_INSTALL_TARGET/bin/greet"
chmod 755 "$BOSH_INSTALL_TARGET/bin/greet"
`;

const program = `#!/bin/sh
echo "@MADE@: $1" >> /var/vcap/store/greetings
`;

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

const job = {
  name: tinyRelease.job,
  packages: ['tiny'],
  templates: { 'bin/pre-start': preStart, 'bin/ctl': ctl },
  monit,
  properties: { 'tiny.greeting': { default: 'hello' } },
};
