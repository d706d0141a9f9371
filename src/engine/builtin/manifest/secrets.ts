import { isMap, type Node } from '../../template/index.ts';

const secretKey = /password|passwd|secret|private_key|token|credential/i;

/** Every secret value in a manifest, by the names of its keys and in its URLs. */
export function secretsIn(node: Node, isSecret = false): string[] {
  if (typeof node === 'string') return isSecret ? formsOf(node) : passwordIn(node);
  if (Array.isArray(node)) return node.flatMap((item) => secretsIn(item, isSecret));
  if (!isMap(node)) return [];
  return Object.entries(node).flatMap(([key, value]) => secretsIn(value, isSecret || secretKey.test(key)));
}

/** A key may be logged as it is, as JSON, or line by line. */
const formsOf = (text: string): string[] => [
  text,
  JSON.stringify(text).slice(1, -1),
  ...text.split('\n').filter((line) => line.length > 20),
];

function passwordIn(text: string): string[] {
  if (!/^[a-z+]+:\/\//i.test(text) || !URL.canParse(text)) return [];
  const { password } = new URL(text);
  return password === '' ? [] : [password, decoded(password)];
}

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password; // a percent sign that encodes nothing
  }
}
