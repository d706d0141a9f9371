import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../cpi/backend.ts';
import { BugError } from '../platform/errors.ts';
import {
  type CallerKind,
  type CpiProgram,
  type Exchange,
  excerpt,
  isObject,
  type WireError,
} from './exchange.ts';
import type { Guest, Guests } from './guests/guest.ts';
import type { HypervisorProbe } from './hypervisor-probe.ts';
import { ClauseBroken, ClauseSkipped, type Road } from './outcome.ts';
import { networksFor, type Scene } from './scene.ts';
import type { World } from './world.ts';

/** A VM that create_vm has made. */
export interface MadeVm {
  readonly cid: string;
  readonly agentId: string;
  readonly address: string;
  /** As sent and as answered. */
  readonly sent: JsonObject;
  readonly networks: JsonObject;
}

interface VmRequest {
  /** Which of the scene's addresses. */
  readonly number: number;
  readonly stemcell: string;
  readonly networks?: JsonObject;
  readonly properties?: JsonObject;
  readonly disks?: readonly string[];
}

const unsupported = ['NotImplemented', 'NotSupported'];

/** One clause being tried: its calls, and the words in which it says what it expects. */
export class Trial {
  readonly world: World;
  readonly caller: CallerKind;
  /** The calls of this clause, for its report. */
  readonly calls: Exchange[] = [];

  constructor(world: World, caller: CallerKind) {
    this.world = world;
    this.caller = caller;
  }

  get scene(): Scene {
    return this.world.scene;
  }

  get guests(): Guests {
    return required(this.scene.guests, 'guests');
  }

  get hypervisor(): HypervisorProbe {
    return required(this.scene.hypervisor, 'a hypervisor probe');
  }

  /** Asks without judging. bosh's command line asks for `info` before each call, and so do we in its place. */
  async ask(method: string, args: readonly JsonValue[], apiVersion?: number): Promise<Exchange> {
    if (this.caller === 'cli' && method !== 'info') await this.world.ask('cli', 'info', []);
    const exchange = await this.world.ask(this.caller, method, args, apiVersion);
    this.calls.push(exchange);
    return exchange;
  }

  /** The result of a call that has to work. */
  async call(method: string, ...args: readonly JsonValue[]): Promise<JsonValue> {
    const { error, result } = this.answerOf(await this.ask(method, args));
    if (error) throw this.broken(`${method} to work`, said(error), 'wire');
    return result;
  }

  /** The same for a method that a CPI may lack: then the clause is skipped (contract 1.3). */
  async offered(method: string, ...args: readonly JsonValue[]): Promise<JsonValue> {
    const { error, result } = this.answerOf(await this.ask(method, args));
    if (error && isUnsupported(error))
      throw new ClauseSkipped(`${method} answers ${typeOf(error)}, which the contract allows`);
    if (error) throw this.broken(`${method} to work`, said(error), 'wire');
    return result;
  }

  /** A call that bosh makes by the way and goes on without if the CPI lacks it (contract 1.3). */
  async tolerated(method: string, ...args: readonly JsonValue[]): Promise<void> {
    const { error } = this.answerOf(await this.ask(method, args));
    if (error && !isUnsupported(error)) throw this.broken(`${method} to work`, said(error), 'wire');
  }

  /** A CID that a call has made. */
  async made(method: string, ...args: readonly JsonValue[]): Promise<string> {
    return this.cid(method, await this.call(method, ...args));
  }

  /** Checks that a result is a CID. */
  cid(method: string, result: JsonValue): string {
    if (typeof result === 'string' && result !== '') return result;
    throw this.broken(`a CID from ${method}, a string that is not empty`, JSON.stringify(result), 'wire');
  }

  /** The error of a call that has to be refused; `types` are those with which bosh can do something. */
  async refused(types: readonly string[], method: string, ...args: readonly JsonValue[]): Promise<WireError> {
    const { error, result } = this.answerOf(await this.ask(method, args));
    const wanted = types.length > 0 ? types.join(' or ') : 'an error';
    if (!error)
      throw this.broken(`${method} to answer ${wanted}`, `the result ${JSON.stringify(result)}`, 'wire');
    if (types.length > 0 && !types.includes(typeOf(error)))
      throw this.broken(`${method} to answer ${wanted}`, said(error), 'wire');
    return error;
  }

  /** The same in another state of the CPI, of any type. */
  async refusedBy(
    program: CpiProgram | undefined,
    method: string,
    ...args: readonly JsonValue[]
  ): Promise<WireError> {
    const request = JSON.stringify({ method, arguments: args, context: {}, api_version: 2 });
    const exchange = await this.world.askText(this.caller, request, method, args, program);
    this.calls.push(exchange);
    const { error, result } = this.answerOf(exchange);
    if (error) return error;
    throw this.broken(`${method} to answer an error`, `the result ${JSON.stringify(result)}`, 'wire');
  }

  answerOf(exchange: Exchange) {
    if (exchange.answer) return exchange.answer;
    const { stdout, stderr } = exchange.raw;
    throw this.broken(
      `an answer to ${exchange.method}`,
      `stdout ${excerpt(stdout)}, stderr ${excerpt(stderr.slice(-300))}`,
      'wire',
    );
  }

  check(holds: boolean, expected: string, seen: unknown, road: Road): void {
    if (!holds) throw this.broken(expected, typeof seen === 'string' ? seen : show(seen), road);
  }

  /** The two have to be the same; keys may come in any order. */
  same(seen: unknown, expected: unknown, what: string, road: Road): void {
    this.check(isDeepStrictEqual(seen, expected), `${what} to be ${show(expected)}`, seen, road);
  }

  broken(expected: string, seen: string, road: Road): ClauseBroken {
    return new ClauseBroken({ expected, seen, road });
  }

  /** How long to wait for what a guest notices in its own time; the guests know better if they are no real ones. */
  noticeMs(usual: number): number {
    return this.scene.guests?.noticeTimeoutMs ?? usual;
  }

  guest({ address }: MadeVm): Guest {
    return this.guests.at(address);
  }

  /** Makes a VM; checks the form of the answer and that it tells the networks as they were sent (contract 1.6). */
  async createVm({ number, stemcell, networks, properties, disks = [] }: VmRequest): Promise<MadeVm> {
    const {
      networks: [first],
      vmProperties,
      guests,
    } = this.scene;
    const sent = networks ?? networksFor(this.scene.networks.slice(0, 1), number);
    const agentId = randomUUID();
    const answer = await this.call(
      'create_vm',
      agentId,
      stemcell,
      properties ?? vmProperties,
      sent,
      [...disks],
      guests?.env ?? {},
    );
    return { ...this.madeVm(answer, agentId, sent), address: first?.addresses[number] ?? '' };
  }

  /** Reads create_vm's answer. */
  madeVm(answer: JsonValue, agentId: string, sent: JsonObject): Omit<MadeVm, 'address'> {
    const [cid, told] = Array.isArray(answer) ? answer : [];
    if (typeof cid !== 'string' || cid === '' || !isObject(told))
      throw this.broken('[VM CID, networks] from create_vm', show(answer), 'wire');
    return { cid, agentId, sent, networks: told };
  }
}

/** `VMNotFound` of `Bosh::Clouds::VMNotFound`. */
export const typeOf = ({ type }: WireError): string => type.replace(/^Bosh::Clouds::/, '');

export function isUnsupported(error: WireError): boolean {
  return unsupported.includes(typeOf(error)) || isUnknownMethod(error);
}

/** Older CPIs have other words for a method that they lack (contract 1.4). */
export function isUnknownMethod(error: WireError): boolean {
  return (
    typeOf(error) === 'NotImplemented' ||
    (error.type === 'InvalidCall' && error.message.startsWith('Method is not known')) ||
    (typeOf(error) === 'CloudError' && error.message.startsWith('Invalid Method:'))
  );
}

export const said = (error: WireError): string => `${typeOf(error)}: ${error.message}`;

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new BugError(`a clause uses ${what} and does not say that it needs it`);
  return value;
}
