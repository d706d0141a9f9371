/** One call, for the messages of errors. */
export interface Call {
  /** Its name in procedures.ts. */
  readonly procedure: string;
  /** What it was about, as far as its arguments name it: `disk 'vda' of domain 'vm-1'`. */
  readonly subject: string | undefined;
}

const things = ['snapshot', 'volume', 'domain', 'network', 'pool'] as const;
const parts = ['name', 'path', 'uuid', 'disk', 'alias'] as const;

/** `args`: the arguments as they go to the wire. XML is not looked into. */
export function callOf(procedure: string, args: Readonly<Record<string, unknown>>): Call {
  const part = parts.find((name) => typeof args[name] === 'string');
  const thing = things.find((name) => isThing(args[name]));
  const words = [
    ...(part === undefined ? [] : [`${part === 'name' ? '' : `${part} `}'${args[part]}'`]),
    ...(thing === undefined ? [] : [nameOf(thing, args[thing] as Thing)]),
  ];
  return { procedure, subject: words.length > 0 ? words.join(' of ') : undefined };
}

/** `domainDestroy of domain 'vm-1'`. */
export function wordsOf({ procedure, subject }: Call): string {
  return subject === undefined ? procedure : `${procedure} of ${subject}`;
}

interface Thing {
  readonly name: string;
  readonly domain?: Thing;
  readonly pool?: string;
}

const isThing = (value: unknown): boolean => typeof value === 'object' && value !== null && 'name' in value;

function nameOf(kind: string, { name, domain, pool }: Thing): string {
  const place = domain ? ` of domain '${domain.name}'` : pool ? ` of pool '${pool}'` : '';
  return `${kind} '${name}'${place}`;
}
