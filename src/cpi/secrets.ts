/** Values in a request or a URL that must not reach a log (contract 8.1, 11). */

const secretKey = /password|passwd|secret|(private|account|access|json)_key|certificate|token|credential/i;

/** Every secret value in the text of a request and in the CPI's configuration. Unreadable text has none. */
export function secretsIn(requestText: string, configuration: unknown): string[] {
  const found: string[] = [];
  const visit = (value: unknown, secret: boolean): void => {
    if (typeof value === 'string') {
      if (secret) found.push(value, ...longLines(value));
      else found.push(...passwordIn(value));
    } else if (Array.isArray(value)) for (const item of value) visit(item, secret);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, secret || secretKey.test(key));
    }
  };
  visit(configuration, false);
  try {
    visit(JSON.parse(requestText), false);
  } catch {
    return found; // not JSON: dispatch says so without quoting the text
  }
  return found;
}

function passwordIn(url: string): string[] {
  const password = /^[a-z+]+:\/\/[^/:@]*:([^@/]+)@/i.exec(url)?.[1];
  return password ? [password, decoded(password)] : [];
}

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password; // a percent sign that encodes nothing
  }
}

/** A key may be logged line by line. */
const longLines = (text: string): string[] => text.split('\n').filter((line) => line.length > 20);
