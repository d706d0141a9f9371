import { ToolError } from '../../../platform/errors.ts';

/** A read-only view of one element, by local names: prefixes are libvirt's to choose. */
export interface XmlElement {
  readonly name: string;
  /** Its own text, without the space around it. */
  readonly text: string;
  attribute(name: string): string | undefined;
  child(name: string): XmlElement | undefined;
  children(name: string): XmlElement[];
  /** The element reached by a path of child names. */
  at(...names: string[]): XmlElement | undefined;
}

const attribute = /\s+([^\s=<>/]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;
const token = new RegExp(
  [
    /<!--[\s\S]*?-->|<\?[\s\S]*?\?>/, // comments, the XML declaration
    /<!\[CDATA\[(?<literal>[\s\S]*?)\]\]>/,
    /<\/(?<end>[^\s<>]+)\s*>/,
    new RegExp(`<(?<start>[^\\s<>/!?]+)(?<attributes>(?:${attribute.source})*)\\s*(?<empty>/?)>`),
    /(?<text>[^<]+)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'y',
);

/**
 * Parses a document; the result stands above the root element. Our own, for what libvirt writes (no document types): to load
 * the parser of an npm package takes longer than all else that a light CPI call does. Throws a ToolError for anything else.
 */
export function parseXml(document: string): XmlElement {
  const top = new Element('', new Map());
  const open = [top];
  for (let at = 0; at < document.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(document)?.groups;
    const parent = open.at(-1);
    if (!found || !parent) throw unreadable(document, at);
    if (found.start !== undefined) {
      const element = new Element(localName(found.start), attributesIn(found.attributes ?? ''));
      parent.append(element);
      if (found.empty === '') open.push(element);
    } else if (found.end !== undefined) {
      if (parent === top || localName(found.end) !== parent.name) throw unreadable(document, at);
      open.pop();
    } else parent.say(found.literal ?? decoded(found.text ?? ''));
  }
  if (open.length > 1) throw unreadable(document, document.length);
  return top;
}

class Element implements XmlElement {
  readonly name: string;
  readonly #attributes: ReadonlyMap<string, string>;
  readonly #children: Element[] = [];
  #text = '';

  constructor(name: string, attributes: ReadonlyMap<string, string>) {
    this.name = name;
    this.#attributes = attributes;
  }

  append(child: Element): void {
    this.#children.push(child);
  }

  say(text: string): void {
    this.#text += text;
  }

  get text(): string {
    return this.#text.trim();
  }

  attribute(name: string): string | undefined {
    return this.#attributes.get(name);
  }

  child(name: string): XmlElement | undefined {
    return this.#children.find((child) => child.name === name);
  }

  children(name: string): XmlElement[] {
    return this.#children.filter((child) => child.name === name);
  }

  at(...names: string[]): XmlElement | undefined {
    return names.reduce<XmlElement | undefined>((element, name) => element?.child(name), this);
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

function attributesIn(text: string): Map<string, string> {
  const found = [...text.matchAll(attribute)];
  return new Map(
    found.map(([, name = '', doubleQuoted, singleQuoted = '']) => [
      localName(name),
      decoded(doubleQuoted ?? singleQuoted),
    ]),
  );
}

const characters = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }));

function decoded(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return characters.get(name) ?? whole;
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

function unreadable(document: string, at: number): ToolError {
  const there = at < document.length ? `at: ${document.slice(at, at + 80)}` : 'at its end';
  return new ToolError('HYPERVISOR', `XML from libvirt cannot be read ${there}`);
}
