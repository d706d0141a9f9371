import { type DomainId, type EventKind, eventMessages, eventNumbers } from './procedures.ts';
import type { Rpc } from './rpc.ts';
import { XdrReader } from './xdr.ts';

interface About {
  readonly domainName: string;
  readonly domainUuid: string;
}

export interface LifecycleEvent extends About {
  readonly kind: 'lifecycle';
  readonly happened: Happening;
  /** libvirt's number of the reason (virDomainEvent…DetailType). */
  readonly detail: number;
}

/** The guest system was started again, from inside or by reset. */
export interface RebootEvent extends About {
  readonly kind: 'reboot';
}

export interface DeviceEvent extends About {
  readonly kind: 'device-added' | 'device-removed' | 'device-removal-failed';
  readonly alias: string;
}

/** Something that takes long came to its end: a backup, a managed save, a migration. */
export interface JobEvent extends About {
  readonly kind: 'job-completed';
  /** libvirt's number of what it was (virDomainJobOperation); 9 is a backup. */
  readonly operation: number;
  readonly succeeded: boolean;
  /** Why it failed, where libvirt says so. */
  readonly message: string | undefined;
}

export type DomainEvent = LifecycleEvent | RebootEvent | DeviceEvent | JobEvent;

const happenings = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
] as const;
export type Happening = (typeof happenings)[number] | 'unknown';

/** What the daemon was asked to tell: once per connection and kind, since it refuses a second time. */
export class EventSource {
  readonly #rpc: Rpc;
  readonly #asked = new Map<EventKind, Promise<unknown>>();

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  /** Events of these kinds from now on. */
  async open(kinds: readonly EventKind[]): Promise<DomainEvents> {
    const events = new DomainEvents(this.#rpc, kinds);
    try {
      await Promise.all(kinds.map((kind) => this.#ask(kind)));
      return events;
    } catch (error) {
      events[Symbol.dispose]();
      throw error;
    }
  }

  #ask(kind: EventKind): Promise<unknown> {
    const asked =
      this.#asked.get(kind) ??
      this.#rpc.call('eventRegister', { event: eventNumbers[kind], domain: undefined }).catch((error) => {
        this.#asked.delete(kind);
        throw error;
      });
    this.#asked.set(kind, asked);
    return asked;
  }
}

/**
 * Events from the moment this was made, each for one reader. The iteration ends when this is disposed of, and throws when the
 * connection ends, so that nobody waits for events that cannot come.
 */
export class DomainEvents implements AsyncIterable<DomainEvent>, Disposable {
  readonly #received: DomainEvent[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #stopListening: () => void;
  #error: Error | undefined;
  #disposed = false;

  constructor(rpc: Rpc, kinds: readonly EventKind[]) {
    this.#stopListening = rpc.listen({
      event: (procedure, body) => {
        const event = decodeEvent(procedure, body);
        if (!event || !kinds.includes(event.kind)) return;
        this.#received.push(event);
        this.#wake();
      },
      ended: (error) => {
        this.#error = error;
        this.#wake();
      },
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DomainEvent> {
    while (!this.#disposed) {
      const event = this.#received.shift();
      if (event) yield event;
      else if (this.#error) throw this.#error;
      else {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
      }
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#stopListening();
    this.#wake();
  }

  /** Whoever waits looks again whether there is something for it. */
  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** undefined for an event of a newer libvirt, which nobody asked for. */
function decodeEvent(procedure: number, body: Buffer): DomainEvent | undefined {
  if (!(procedure in eventMessages)) return undefined;
  const message = eventMessages[procedure as keyof typeof eventMessages];
  const from = new XdrReader(body);
  if (message.kind === 'lifecycle') {
    const { domain, event, detail } = message.codec.read(from);
    return { kind: message.kind, ...about(domain), happened: happenings[event] ?? 'unknown', detail };
  }
  if (message.kind === 'reboot') return { kind: message.kind, ...about(message.codec.read(from).domain) };
  if (message.kind === 'job-completed') {
    const { domain, parameters } = message.codec.read(from);
    return { kind: message.kind, ...about(domain), ...jobOf(parameters) };
  }
  const { domain, alias } = message.codec.read(from);
  return { kind: message.kind, ...about(domain), alias };
}

function about({ name, uuid }: DomainId): About {
  return { domainName: name, domainUuid: uuid };
}

/** An older libvirt says nothing of success. */
function jobOf(
  parameters: readonly { name: string; value: unknown }[],
): Pick<JobEvent, 'operation' | 'succeeded' | 'message'> {
  const { operation, success, errmsg } = Object.fromEntries(
    parameters.map(({ name, value }) => [name, value]),
  );
  return {
    operation: Number(operation ?? 0),
    succeeded: success !== false,
    message: errmsg === undefined ? undefined : String(errmsg),
  };
}
