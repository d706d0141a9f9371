import type { JsonObject, JsonValue } from '../cpi/backend.ts';

/** Who calls: bosh's command line and its director start a CPI in different surroundings (contract 1.1). */
export type CallerKind = 'cli' | 'director';

/** What one process of a CPI did. */
export interface RawAnswer {
  readonly stdout: string;
  readonly stderr: string;
  /** undefined: a signal ended it. */
  readonly exitCode: number | undefined;
  /** It had ended, and something that it started still held its stdout or stderr open. */
  readonly heldOpen: boolean;
}

/** Starts the CPI once with a request on stdin, in the surroundings of this caller. */
export type CpiProgram = (request: string, caller: CallerKind) => Promise<RawAnswer>;

export interface WireError {
  /** As on the wire, `Bosh::Clouds::VMNotFound`. */
  readonly type: string;
  readonly message: string;
  readonly ok_to_retry: boolean;
}

export interface Answer {
  readonly result: JsonValue;
  readonly error: WireError | undefined;
  readonly log: string;
}

/** The rules of the wire that a single answer can break. */
export type WireRule = 'document' | 'keys' | 'exit' | 'streams';

export interface WireDefect {
  readonly rule: WireRule;
  readonly what: string;
}

/** One call and what came back. */
export interface Exchange {
  readonly method: string;
  readonly arguments: readonly JsonValue[];
  readonly raw: RawAnswer;
  /** undefined if nothing in stdout can be taken for an answer. */
  readonly answer: Answer | undefined;
  readonly defects: readonly WireDefect[];
}

/**
 * Reads an answer as generously as can be: what is wrong with its form is told by the clauses about the wire, and must not
 * hide whether the CPI did what it was asked.
 */
export function readAnswer(raw: RawAnswer): { answer: Answer | undefined; defects: WireDefect[] } {
  const defects: WireDefect[] = [];
  if (raw.exitCode !== 0)
    defects.push({ rule: 'exit', what: `exit status ${raw.exitCode ?? 'none: a signal ended it'}` });
  if (raw.heldOpen) defects.push({ rule: 'streams', what: 'stdout or stderr stayed open after its end' });
  const whole = jsonObject(raw.stdout);
  if (!whole) defects.push({ rule: 'document', what: `stdout was ${excerpt(raw.stdout)}` });
  const document = whole ?? raw.stdout.split('\n').map(jsonObject).find(isAnswerLike);
  if (!document) return { answer: undefined, defects };
  defects.push(...keyDefects(document).map((what): WireDefect => ({ rule: 'keys', what })));
  return { answer: answerFrom(document), defects };
}

function answerFrom(document: JsonObject): Answer {
  const { result = null, error, log } = document;
  return { result, error: isObject(error) ? wireError(error) : undefined, log: String(log ?? '') };
}

const wireError = ({ type, message, ok_to_retry }: JsonObject): WireError => ({
  type: String(type),
  message: String(message),
  ok_to_retry: ok_to_retry === true,
});

function keyDefects(document: JsonObject): string[] {
  const missing = ['result', 'error', 'log'].filter((key) => !(key in document));
  const { error, log } = document;
  return [
    ...missing.map((key) => `no key '${key}'`),
    ...(log !== undefined && typeof log !== 'string' ? [`log is ${JSON.stringify(log)}, not a string`] : []),
    ...errorDefects(error),
  ];
}

function errorDefects(error: JsonValue | undefined): string[] {
  if (error === undefined || error === null) return [];
  if (!isObject(error)) return [`error is ${JSON.stringify(error)}`];
  return [
    ...['type', 'message']
      .filter((key) => typeof error[key] !== 'string')
      .map((key) => `error.${key} is ${JSON.stringify(error[key] ?? null)}, not a string`),
    ...(typeof error.ok_to_retry === 'boolean'
      ? []
      : [`error.ok_to_retry is ${JSON.stringify(error.ok_to_retry ?? null)}, not true or false`]),
  ];
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isAnswerLike = (value: JsonObject | undefined): value is JsonObject =>
  value !== undefined && ('result' in value || 'error' in value);

function jsonObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // told by the caller, with what came
  }
}

export const excerpt = (text: string, length = 300): string =>
  text === '' ? 'empty' : JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text);
