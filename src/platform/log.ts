/** Free text for people who look for a cause. Secrets are cut out by value before a line leaves the process. */
export interface Log {
  debug(line: string): void;
  info(line: string): void;
  warn(line: string): void;
}

export const silentLog: Log = { debug() {}, info() {}, warn() {} };

/**
 * A log that writes `time level line` through `write`.
 * `secrets` are values (passwords, keys) that are replaced wherever they occur; values under four characters are too
 * short to be told from ordinary text and are left alone.
 */
export function lineLog(write: (text: string) => void, secrets: Iterable<string> = []): Log {
  const hide = redactor(secrets);
  const say = (level: string) => (line: string) =>
    write(`${new Date().toISOString()} ${level} ${hide(line)}\n`);
  return { debug: say('debug'), info: say('info'), warn: say('warn') };
}

/** A function that replaces each of `secrets` in a text by `<redacted>`. */
export function redactor(secrets: Iterable<string>): (text: string) => string {
  const values = [...new Set(secrets)]
    .filter((value) => value.length >= 4)
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((left, value) => left.replaceAll(value, '<redacted>'), text);
}
