import { XmlElement as Parsed, parseXml as parseDocument } from '@rgrove/parse-xml';
import { messageOf, ToolError } from '../../platform/errors.ts';

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

/** Parses a document of libvirt's; the result stands above the root element. Throws a ToolError for what is no XML. */
export function parseXml(document: string): XmlElement {
  try {
    return new View('', {}, parseDocument(document).children);
  } catch (error) {
    throw new ToolError('HYPERVISOR', `XML from libvirt cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

class View implements XmlElement {
  readonly name: string;
  readonly #attributes: Readonly<Record<string, string>>;
  readonly #nodes: readonly object[];

  constructor(name: string, attributes: Readonly<Record<string, string>>, nodes: readonly object[]) {
    this.name = name;
    this.#attributes = attributes;
    this.#nodes = nodes;
  }

  get text(): string {
    const own = this.#nodes.filter((node) => !(node instanceof Parsed)) as { text?: string }[];
    return own
      .map((node) => node.text ?? '')
      .join('')
      .trim();
  }

  attribute(name: string): string | undefined {
    const key = Object.keys(this.#attributes).find((each) => localName(each) === name);
    return key === undefined ? undefined : this.#attributes[key];
  }

  child(name: string): XmlElement | undefined {
    return this.children(name)[0];
  }

  children(name: string): XmlElement[] {
    return this.#nodes
      .filter((node) => node instanceof Parsed)
      .filter((element) => localName(element.name) === name)
      .map((element) => new View(name, element.attributes, element.children));
  }

  at(...names: string[]): XmlElement | undefined {
    return names.reduce<XmlElement | undefined>((element, name) => element?.child(name), this);
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);
