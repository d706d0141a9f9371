import { connect } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { addressOf, waitForApi } from '../../../../src/environment/cf/api-answer.ts';
import { guestRoad } from '../../../../src/host/forward.ts';
import { makePlace, type Place, type Services, startServices } from '../../../support/stand-ins/services.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

const { signal } = new AbortController();
const question = { systemDomain: 'cf.test', routerIp: '10.245.0.34', timeoutMs: 0 };
/** Leads to the stand-in, whatever the address. */
const wayTo = ({ ip, routerPort }: Services) => ({
  signal,
  road: { ...guestRoad(undefined), dial: async () => connect(routerPort, ip) },
});

test('a router that somebody else vouches for is not the one that was deployed', async () => {
  await using services = await startServices(place, { values: {} });
  const { identity } = await makePlace();
  await expect(waitForApi({ ...question, ca: identity.ca }, wayTo(services))).rejects.toMatchObject({
    code: 'TEMPORARY',
    message: expect.stringContaining('https://api.cf.test does not answer as it should'),
  });
  await waitForApi({ ...question, ca: services.ca }, wayTo(services));
});

test("an operator's own certificate, which CredHub does not know, is taken as it is", async () => {
  await using services = await startServices(place, { values: {} });
  await waitForApi({ ...question, ca: undefined }, wayTo(services));
});

test('an API that never comes is told of with what the router said last', async () => {
  await using services = await startServices(place, { values: {}, apiStatus: [502] });
  await expect(waitForApi({ ...question, ca: services.ca }, wayTo(services))).rejects.toThrow(/: 502$/);
});

test('a name that nobody knows has no address', async () => {
  expect(await addressOf('api.cf.invalid', ['sh', '-c', 'exit 2'], signal)).toBeUndefined();
  const known = ['sh', '-c', 'echo "10.245.0.34 STREAM $2"; echo "10.245.0.34 DGRAM"'];
  expect(await addressOf('api.cf.test', known, signal)).toBe('10.245.0.34');
});
