import { type EventKind, eventMessages, eventNumbers } from './procedures.ts';
import type { Rpc } from './rpc.ts';
import { XdrReader } from './xdr.ts';

export interface DomainEvent {
  readonly kind: EventKind;
  readonly domainName: string;
  readonly domainUuid: string;
  /** Of lifecycle events: libvirt's name of what happened. */
  readonly happened?: string;
  /** Of device events: the alias of the device. */
  readonly alias?: string;
}

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
];

/** Asks the daemon for events of one kind and hands them on. */
export async function watchEvents(
  rpc: Rpc,
  kind: EventKind,
  listener: (event: DomainEvent) => void,
): Promise<AsyncDisposable> {
  let wanted: number | undefined;
  const stop = rpc.onEvent((procedure, body) => {
    const event = decodeEvent(procedure, body);
    if (event && event.kind === kind && event.callback === wanted) listener(event);
  });
  try {
    wanted = (await rpc.call('eventRegister', { event: eventNumbers[kind], domain: undefined })).callback;
  } catch (error) {
    stop();
    throw error;
  }
  const callback = wanted;
  return {
    async [Symbol.asyncDispose]() {
      stop();
      await rpc.call('eventDeregister', { callback });
    },
  };
}

function decodeEvent(procedure: number, body: Buffer): (DomainEvent & { callback: number }) | undefined {
  if (!(procedure in eventMessages)) return undefined; // an event of a newer libvirt that nobody asked for
  const { kind, codec } = eventMessages[procedure as keyof typeof eventMessages];
  const { callback, domain, ...rest } = codec.read(new XdrReader(body));
  const about = { kind, callback, domainName: domain.name, domainUuid: domain.uuid };
  if ('alias' in rest) return { ...about, alias: rest.alias };
  return { ...about, happened: happenings[rest.event] ?? `event ${rest.event}` };
}
