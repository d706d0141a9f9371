import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream, renameSync } from 'node:fs';
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, messageOf } from '../../platform/errors.ts';
import { isThere, statIfThere } from '../../platform/files.ts';
import type { ServeLimits } from './limits.ts';
import { Refusal } from './refusal.ts';

/** Whether a text can be an image's digest, and so a file's name: SHA-256 in hex. */
export const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** An image on its way from a client. */
export interface ArrivingImage {
  /** SHA-256 in hex, as the client says. */
  readonly digest: string;
  readonly bytes: number;
  /** Called once it is known that the image is wanted. */
  begin(): AsyncIterable<Uint8Array>;
}

/** An image that is here for one call. */
export interface HeldImage {
  readonly path: string;
  /** `used`: nobody needs it any more, unless another call has it too. */
  release(used: boolean): Promise<void>;
}

type ImageLimits = Pick<ServeLimits, 'imageBytes' | 'freeBytes' | 'imageAgeMs'>;

/**
 * Stemcell images out of the director's VM, by their digests, for as long as a create_stemcell needs them. One that came
 * in part leaves nothing; one that nobody used goes after a time.
 */
export class ImageStore {
  readonly #folder: string;
  readonly #limits: ImageLimits;
  readonly #arriving = new Map<string, Promise<unknown>>();
  readonly #holders = new Map<string, number>();
  /** Bytes that are still to come of what is on its way: the free space that it will take. */
  #expected = 0;

  private constructor(folder: string, limits: ImageLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Opens the store in a folder of its own, which it makes; what a killed server was receiving is deleted. */
  static async open(folder: string, limits: ImageLimits): Promise<ImageStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const store = new ImageStore(folder, limits);
    const parts = (await readdir(folder)).filter((name) => name.endsWith('.part'));
    for (const name of parts) await rm(join(folder, name), { force: true });
    await store.forgetOld();
    return store;
  }

  /**
   * Keeps an image unless it is here: false if it was, or came by another client meanwhile. Throws a Refusal for one that is
   * too large or not what its digest says.
   */
  async receive(image: ArrivingImage): Promise<boolean> {
    const { digest } = image;
    for (let other = this.#arriving.get(digest); other; other = this.#arriving.get(digest))
      await Promise.allSettled([other]); // what becomes of it is told to its own client
    const arrival = this.#receiveAlone(image);
    this.#arriving.set(digest, arrival);
    try {
      return await arrival;
    } finally {
      this.#arriving.delete(digest);
    }
  }

  /** The image for one call; undefined if it is not here. */
  async take(digest: string): Promise<HeldImage | undefined> {
    const path = join(this.#folder, digest);
    const holders = () => this.#holders.get(digest) ?? 0;
    this.#holders.set(digest, holders() + 1); // before the look: nobody takes it away from now on
    const release = async (used: boolean) => {
      this.#holders.set(digest, holders() - 1);
      if (holders() > 0) return;
      this.#holders.delete(digest);
      if (used) await this.#forget(path);
    };
    if (await isThere(path)) return { path, release };
    await release(false);
    return undefined;
  }

  /** Waits until nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#arriving.values());
  }

  /** Deletes what nobody came for. */
  async forgetOld(): Promise<void> {
    for (const digest of await readdir(this.#folder)) {
      const path = join(this.#folder, digest);
      const made = (await statIfThere(path))?.mtimeMs ?? Number.POSITIVE_INFINITY;
      const isOld = Date.now() - made > this.#limits.imageAgeMs;
      if (isOld && !digest.endsWith('.part') && !this.#holders.has(digest)) await this.#forget(path);
    }
  }

  /** Its name goes at once, before anybody else can look for it: who finds it later finds it for good. */
  async #forget(path: string): Promise<void> {
    const gone = `${path}.${randomBytes(4).toString('hex')}.part`;
    try {
      renameSync(path, gone);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    await rm(gone, { force: true });
  }

  async #receiveAlone(image: ArrivingImage): Promise<boolean> {
    const { digest, bytes } = image;
    const path = join(this.#folder, digest);
    if (await isThere(path)) return false;
    await this.#requireSpace(bytes);
    const part = join(this.#folder, `${digest}.${randomBytes(4).toString('hex')}.part`);
    let missing = bytes;
    this.#expected += bytes;
    const count = (length: number) => {
      missing -= length;
      this.#expected -= length;
    };
    try {
      const came = await keep(image.begin(), part, count);
      if (came !== digest)
        throw new Refusal(
          422,
          'CloudError',
          `What came has the SHA-256 ${came}, not ${digest}: it was damaged`,
          ['try again: bosh upload-stemcell --fix'],
        );
      await rename(part, path);
      return true;
    } catch (error) {
      throw toRefusal(error);
    } finally {
      count(missing);
      await rm(part, { force: true });
    }
  }

  async #requireSpace(bytes: number): Promise<void> {
    const { imageBytes, freeBytes } = this.#limits;
    if (bytes > imageBytes)
      throw new Refusal(413, 'CloudError', `An image of ${bytes} bytes is too large: at most ${imageBytes}`);
    const { bavail, bsize } = await statfs(this.#folder);
    const free = bavail * bsize - this.#expected - freeBytes;
    if (bytes > free)
      throw new Refusal(
        507,
        'NoDiskSpace',
        `The host has ${Math.max(0, free)} bytes for stemcell images in ${this.#folder}, and this one has ${bytes}`,
      );
  }
}

/** Writes what comes to a new file and gives its SHA-256. */
async function keep(
  source: AsyncIterable<Uint8Array>,
  path: string,
  count: (bytes: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    source,
    async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        hash.update(piece);
        count(piece.length);
        yield piece;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  return hash.digest('hex');
}

function toRefusal(error: unknown): unknown {
  if (!['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')) return error;
  return new Refusal(507, 'NoDiskSpace', `The host cannot keep the stemcell's image: ${messageOf(error)}`);
}
