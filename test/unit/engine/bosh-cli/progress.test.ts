import { expect, test } from 'vitest';
import { Progress } from '../../../../src/engine/bosh-cli/progress.ts';

const output = `Deployment manifest: '/m.yml'

Started validating
  Validating release 'tiny'... Finished (00:00:00)
Finished validating (00:00:00)

Uploading stemcell 'a/1'... Skipped [Stemcell already uploaded] (00:00:00)

Started deploying
  Creating VM for instance 'm/0' from stemcell 'sc-1'... Failed (00:00:02)
Failed deploying (00:00:02)

Cleaning up rendered CPI jobs... Finished (00:00:00)
`;

function reading() {
  const told: string[] = [];
  return { told, progress: new Progress((step) => told.push(step)) };
}

test.each([1, 7, 64, 10_000])(
  'tells each step once, whatever pieces the output comes in (%i bytes)',
  (size) => {
    const { told, progress } = reading();
    for (let at = 0; at < output.length; at += size) progress.read(output.slice(at, at + size));
    expect(told).toEqual([
      "Validating release 'tiny'",
      "Uploading stemcell 'a/1'",
      "Creating VM for instance 'm/0' from stemcell 'sc-1'",
      'Cleaning up rendered CPI jobs',
    ]);
    expect(progress.failed).toBe("Creating VM for instance 'm/0' from stemcell 'sc-1'");
    expect(progress.running).toBeUndefined();
    expect(progress.unchanged).toBe(false);
  },
);

test('tells a step when it begins, and lets one wait for its end', async () => {
  const { told, progress } = reading();
  progress.read('Started deploying\n  Creating disk...');
  expect(told).toEqual(['Creating disk']);
  expect(progress.running).toBe('Creating disk');
  let ended = false;
  const end = progress.stepEnd().then(() => {
    ended = true;
  });
  await Promise.resolve();
  expect(ended).toBe(false);
  progress.read(' Finished (00:00:09)');
  await end;
  expect(progress.running).toBeUndefined();
  await progress.stepEnd();
});

test('sees that bosh had nothing to do', () => {
  const { progress } = reading();
  progress.read(
    'Finished validating (00:00:00)\nNo deployment, stemcell or release changes. Skipping deploy.\n',
  );
  expect(progress.unchanged).toBe(true);
});
