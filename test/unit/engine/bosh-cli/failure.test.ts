/** What bosh 19ee1a8d9 printed on stderr in runs that failed, and what we make of it. */
import { expect, test } from 'vitest';
import { boshFailure } from '../../../../src/engine/bosh-cli/failure.ts';

const about = (stderr: string, failedStep?: string) =>
  boshFailure({ command: 'create-env', failedStep, stderr, logPath: '/logs/it.log', exitCode: 1 });

test('a CPI’s answer', () => {
  const error = about(
    `
Deploying:
  Creating instance 'machine/0':
    Creating VM:
      Creating vm with stemcell cid 'sc-1':
        CPI 'create_vm' method responded with error: CmdError{"type":"Bosh::Clouds::VMCreationFailed","message":"no \\"room\\" for it","ok_to_retry":false}

Exit code 1
`,
    "Creating VM for instance 'machine/0'",
  );
  expect(error.code).toBe('CPI');
  expect(error.message).toBe(
    `bosh create-env failed at 'Creating VM for instance 'machine/0'': the CPI's create_vm said VMCreationFailed: no "room" for it`,
  );
  expect(error.hints.at(-1)).toContain('/logs/it.log');
});

test('a pool that is full is the same failure with either engine', () => {
  const error = about(
    `CPI 'create_disk' method responded with error: CmdError{"type":"Bosh::Clouds::NoDiskSpace","message":"full","ok_to_retry":false}`,
  );
  expect(error.code).toBe('NO_RESOURCES');
});

test('an agent that is silent', () => {
  const error = about(`
Deploying:
  Creating instance 'machine/0':
    Waiting until instance is ready:
      Post "https://mbus:<redacted>@10.0.0.6:6868/agent": dial tcp 10.0.0.6:6868: connect: no route to host
      Timed out pinging VM to ask for its state

Exit code 1
`);
  expect(error.code).toBe('AGENT_TIMEOUT');
});

test('variables that nobody gave', () => {
  const error = about(`
Parsing release set manifest '/manifests/machine.yml':
  Evaluating manifest:
    - Expected to find variables:
        - internal_ip
        - stemcell_url
Exit code 1
`);
  expect(error.code).toBe('USAGE');
  expect(error.message).toBe(
    'bosh create-env failed: nothing gives these variables: internal_ip, stemcell_url',
  );
});

test.each([
  {
    what: 'a stemcell that is not there',
    stderr: `
Extracting stemcell from '/nope':
  reading extracted stemcell manifest in '/home/.bosh/installations/60ab89ce/tmp/stemcell-manager2908889113':
    Extracting stemcell from '/nope' to '/home/.bosh/installations/60ab89ce/tmp/stemcell-manager2908889113':
      Resolving tarball path:
        lstat /nope: no such file or directory
Exit code 1
`,
    reason: "Extracting stemcell from '/nope': lstat /nope: no such file or directory",
  },
  {
    what: 'a manifest that is no YAML',
    stderr: `
Parsing release set manifest '/tmp/bad.yml':
  Evaluating manifest:
    yaml: line 1: did not find expected node content
Exit code 1
`,
    reason: "Parsing release set manifest '/tmp/bad.yml': yaml: line 1: did not find expected node content",
  },
])('the outermost and the innermost cause: $what', ({ stderr, reason }) => {
  const error = about(stderr);
  expect(error.code).toBe('CREATE_ENV');
  expect(error.message).toBe(`bosh create-env failed: ${reason}`);
});

test('silence', () => {
  expect(about('').message).toBe('bosh create-env failed: it said nothing');
});

test('an agent whose action failed: all that it said, the middle of a long answer left out', () => {
  const action =
    'Action Failed get_task: Task 2f2a result: Compiling package tiny: Running packaging script:';
  const nested = (output: string) => `
Deploying:
  Building state for instance 'machine/0':
    Compiling job package dependencies for instance 'machine/0':
      Sending 'get_task' to the agent:
        Agent responded with error: ${action} Command exited with 3; Stdout: , Stderr: ${output}

Exit code 1
`;
  expect(about(nested('+ make\ncannot compile\n+ exit 3\n')).message).toBe(
    `bosh create-env failed: Deploying: Agent responded with error: ${action} Command exited with 3; Stdout: , Stderr: + make cannot compile + exit 3`,
  );
  const long = about(nested('+ make\n'.repeat(500))).message;
  expect(long).toMatch(/Compiling package tiny.* … .*\+ make$/);
  expect(long.length).toBeLessThan(700);
});
