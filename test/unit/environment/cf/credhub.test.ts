import { beforeAll, expect, test } from 'vitest';
import { openCredHub } from '../../../../src/environment/cf/credhub.ts';
import { guestRoad } from '../../../../src/host/forward.ts';
import { makePlace, type Place, startServices } from '../../../support/stand-ins/services.ts';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});

const way = { road: guestRoad(undefined), signal: new AbortController().signal };
const values = { '/lite/cf/cf_admin_password': 'secret', '/lite/cf/router_ssl': { ca: 'PEM' } };

test('values are found by a part of their name, and read with the token that UAA gave', async () => {
  await using services = await startServices(place, { values });
  const credhub = await openCredHub(services.access, way);
  expect(await credhub.find('_password')).toEqual(['/lite/cf/cf_admin_password']);
  expect(await credhub.value('/lite/cf/cf_admin_password')).toBe('secret');
  expect(await credhub.value('/lite/cf/router_ssl')).toEqual({ ca: 'PEM' });
  expect(await credhub.value('/lite/cf/none')).toBeUndefined();
  expect(services.asked[0]).toBe('POST /oauth/token');
});

test('a refusal tells who refused and what', async () => {
  await using services = await startServices(place, { values });
  const { uaa, credhub } = services.access;
  const wrong = { uaa, credhub: credhub && { ...credhub, secret: 'wrong' } };
  await expect(openCredHub(wrong, way)).rejects.toMatchObject({
    code: 'DIRECTOR',
    message: `https://${services.ip}:8443/oauth/token answered 401: {"error":"unauthorized"}`,
  });
});

test('a service that somebody else vouches for gets no secret', async () => {
  await using services = await startServices(place, { values });
  const { identity } = await makePlace();
  const { uaa, credhub } = services.access;
  await expect(openCredHub({ credhub, uaa: uaa && { ...uaa, ca: identity.ca } }, way)).rejects.toMatchObject({
    code: 'TEMPORARY',
    message: expect.stringContaining(`POST https://${services.ip}:8443: `),
  });
  expect(services.asked).toEqual([]);
});

test('a director without a CredHub is told of', async () => {
  await expect(openCredHub({ uaa: undefined, credhub: undefined }, way)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  });
});
