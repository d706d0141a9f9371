import { XMLParser } from 'fast-xml-parser';

/** A read-only view of one element, by local names: prefixes are libvirt's to choose. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  attribute(name: string): string | undefined;
  child(name: string): XmlElement | undefined;
  children(name: string): XmlElement[];
  /** The element reached by a path of child names. */
  at(...names: string[]): XmlElement | undefined;
}

type Node = Record<string, unknown>;
const attributesKey = ':@';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
});

/** Parses a document; the result stands above the root element. */
export function parseXml(text: string): XmlElement {
  return element('', parser.parse(text) as Node[], {});
}

function element(
  name: string,
  nodes: readonly Node[],
  attributes: Readonly<Record<string, string>>,
): XmlElement {
  const children = (wanted: string): XmlElement[] =>
    nodes
      .filter((node) => wanted in node)
      .map((node) =>
        element(wanted, node[wanted] as Node[], (node[attributesKey] ?? {}) as Record<string, string>),
      );
  return {
    name,
    text: nodes.map((node) => ('#text' in node ? String(node['#text']) : '')).join(''),
    attribute: (key) => attributes[key],
    children,
    child: (wanted) => children(wanted)[0],
    at(...names) {
      return names.reduce<XmlElement | undefined>(
        (at, next) => at?.child(next),
        element(name, nodes, attributes),
      );
    },
  };
}
