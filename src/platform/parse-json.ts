/** What a JSON text says; undefined, which no JSON says, if it is none: the caller tells what came instead. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
