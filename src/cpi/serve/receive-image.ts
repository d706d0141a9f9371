import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallDeps } from './answer-call.ts';
import { isDigest } from './image-store.ts';
import { Refusal } from './refusal.ts';

/**
 * PUT of a stemcell's image to its digest. A client that waits for it (`Expect: 100-continue`) sends nothing unless the image is
 * wanted: 412 says that it is here already, 201 that it is now. Throws a Refusal.
 */
export async function receiveImage(
  { images, limits }: Pick<CallDeps, 'images' | 'limits'>,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isDigest(digest)) throw new Refusal(404, 'CpiError', 'Images are put to their SHA-256 in hex');
  const { 'content-length': length, expect } = request.headers;
  if (length === undefined) throw new Refusal(411, 'CpiError', 'An image is sent with its length');
  request.socket.setTimeout(0); // while another client brings the same one
  const isNew = await images.receive({
    digest,
    bytes: Number(length),
    begin() {
      request.socket.setTimeout(limits.idleMs);
      if (expect !== undefined) response.writeContinue();
      return request;
    },
  });
  response.writeHead(isNew ? 201 : 412, { 'content-type': 'text/plain', connection: 'close' });
  response.end(`${isNew ? 'kept' : 'known'}\n`);
}
