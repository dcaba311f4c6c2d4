// An app in the caller's own process: its commands and reads as typed calls, without HTTP.
import { choices, quoted, streamVersion, type ConsistencyToken } from '../core/codec/index.ts'
import {
  RampartError,
  type Decider,
  type Decision,
  type Json,
  type Projection,
  type Refusal,
} from '../core/index.ts'
import type { Freshness, Lag, ReadModel } from '../projection/index.ts'
import type { CommandStatus, FailedCommand, ReceivedCommand, SucceededCommand } from '../write/index.ts'
import type {
  DecideInPlace,
  FinalCommand,
  RefusedCommand,
  SentCommand,
  TransactionAsk,
} from '../write/index.ts'
import type { App } from './app.ts'
import type { Engine } from './engine.ts'

type DeciderOf<A> = A extends App<infer Contexts> ? Contexts[number]['deciders'][number] : never
type ProjectionOf<A> = A extends App<infer Contexts> ? Contexts[number]['projections'][number] : never
type DecisionOf<A> = A extends App<infer Contexts> ? Contexts[number]['decisions'][number] : never
type DataOf<D> = D extends Decision<string, infer Data, infer _Code> ? Data : never
type CodeOf<D> = D extends Decision<string, infer _Data, infer Code> ? Code : never
type CommandsOf<D> = D extends Decider<string, infer Commands, infer _Codes> ? Commands : never
type CodesOf<D, K> =
  D extends Decider<string, infer _Commands, infer Codes> ? (K extends keyof Codes ? Codes[K] : never) : never
type NamedDecider<A, Name> = Extract<DeciderOf<A>, { readonly name: Name }>
type StateOf<D> = D extends Decider<string, infer _Commands, infer _Codes, infer S> ? S : never
type EventOf<D> =
  D extends Decider<string, infer _Commands, infer _Codes, infer _S, infer Event> ? Event : never
type DocumentOf<P> = P extends Projection<string, infer Document> ? Document : never

/** What became of a command; a refusal has one of the codes that the command declares. */
export type CommandAnswer<Code = string> =
  | SucceededCommand
  | (Omit<RefusedCommand, 'code'> & { readonly code: Code })
  | ReceivedCommand
  | FailedCommand

/** How a command is sent. */
export interface CommandOptions {
  /** Names the intent: sent again, it has no second effect and gets the first answer. */
  readonly key?: string
  /** The version that the stream must have. */
  readonly expectedVersion?: number
  /** Longest wait for the outcome; a minute unless said, and 0 asks for the acceptance only. */
  readonly waitMs?: number
}

/** How a decision is sent; it has no stream that could have a version. */
export type DecisionOptions = Omit<CommandOptions, 'expectedVersion'>

/** The stream that a decision is made on, and how. */
export interface TransactOptions<Name extends string = string> {
  readonly decider: Name
  readonly id: string
  /** Names the intent within the stream: sent again, it has no second effect and gets the first answer. */
  readonly key?: string
  /** The version that the stream must have. */
  readonly expectedVersion?: number
}

/** The commands that a stream takes, as functions of their data. */
export type StreamCommands<D> = {
  readonly [K in keyof CommandsOf<D> & string]: (
    data: CommandsOf<D>[K],
    options?: CommandOptions,
  ) => Promise<CommandAnswer<CodesOf<D, K>>>
}

/** How fresh a read must be. */
export interface ReadOptions {
  /** Contains what this command did; it must have its outcome. */
  readonly after?: CommandAnswer<unknown>
  /** Has this version; for models with a document per stream only. */
  readonly version?: number
  /** Longest wait for that; five seconds unless said. */
  readonly waitMs?: number
}

/** A document of a read model. */
export interface TypedDocument<Document> {
  readonly key: string
  /** The stream's version; null for models that gather several streams. */
  readonly version: number | null
  readonly data: Document
}

/** What to list; everything by key unless said, 50 documents at most. */
export interface ListOptions extends ReadOptions {
  /** Equalities over declared indexes; numbers and booleans are given as texts. */
  readonly where?: Readonly<Record<string, string>>
  /** Words to search for in the declared members, each as the start of a word. */
  readonly search?: string
  /** Only keys after this one: the last key of the page before. */
  readonly afterKey?: string
  /** How many documents at most, from 1. */
  readonly limit?: number
}

/**
 * The documents of a projection. Reads that demand freshness throw `READ_MODEL_BEHIND` when the wait runs
 * out, and all of them `KEY_QUARANTINED` or `PROJECTION_STOPPED` for what stands still.
 */
export interface TypedReads<Document> {
  /** A document; `undefined` when there is none under the key. */
  readonly get: (key: string, options?: ReadOptions) => Promise<TypedDocument<Document> | undefined>
  /** Documents in the order of their keys; `more` says whether another one follows. */
  readonly list: (
    options?: ListOptions,
  ) => Promise<{ readonly documents: readonly TypedDocument<Document>[]; readonly more: boolean }>
  /** How far the read model is behind its log, in events and seconds. */
  readonly lag: () => Promise<Lag>
}

/**
 * An app that runs in this process. Disposing of it drains it and closes its stores. What the domain refuses
 * is an answer; faults are thrown, and the same key may then be sent again: it tells what happened, if
 * anything did.
 */
export interface RunningApp<A> extends AsyncDisposable {
  /** A stream by decider and id; without an id only for commands whose stream ids the server makes. */
  readonly stream: <Name extends DeciderOf<A>['name']>(
    decider: Name,
    id?: string,
  ) => StreamCommands<Extract<DeciderOf<A>, { readonly name: Name }>>
  /** Sends a decision; the answer names the stream that it made. */
  readonly decide: <Name extends DecisionOf<A>['name']>(
    decision: Name,
    data: DataOf<Extract<DecisionOf<A>, { readonly name: Name }>>,
    options?: DecisionOptions,
  ) => Promise<CommandAnswer<CodeOf<Extract<DecisionOf<A>, { readonly name: Name }>>>>
  /**
   * Makes a decision in place, without a command of its decider: loads the state of a stream, asks `decide`
   * and appends what it answers, again after a conflict, so that `decide` must have no effect of its own. It
   * may refuse with any code.
   */
  readonly transact: <Name extends DeciderOf<A>['name'], Code extends string = never>(
    options: TransactOptions<Name>,
    decide: (
      state: StateOf<NamedDecider<A, Name>>,
      ask: TransactionAsk,
    ) => EventOf<NamedDecider<A, Name>> | readonly EventOf<NamedDecider<A, Name>>[] | Refusal<Code>,
  ) => Promise<Exclude<CommandAnswer<Code>, ReceivedCommand | FailedCommand>>
  /** A read model by its projection's name. */
  readonly read: <Name extends ProjectionOf<A>['name']>(
    projection: Name,
  ) => TypedReads<DocumentOf<Extract<ProjectionOf<A>, { readonly name: Name }>>>
}

const commandWaitMs = 60_000
const readWaitMs = 5000

/** The typed face of an engine; `close` ends it. */
export function createRunningApp<A extends App>(engine: Engine, close: () => Promise<void>): RunningApp<A> {
  const deciders = engine.app.contexts.flatMap((context) => context.deciders)
  const decisions = engine.app.contexts.flatMap((context) => context.decisions)
  const face = {
    decide: (decision: string, data: Json, options?: DecisionOptions) =>
      senderOf(engine, namedOr(decisions, 'decision', decision).name, undefined)(data, options),
    stream: (decider: string, id?: string) => streamOf(engine, namedOr(deciders, 'decider', decider), id),
    read: (projection: string) => {
      const model = engine.models.find((each) => each.projection.name === projection)
      const known = engine.models.map((each) => each.projection)
      return readsOf(model ?? lacking('projection', projection, known))
    },
    transact: transactOf(engine),
    [Symbol.asyncDispose]: close,
  }
  // The names and data that the type demands are those of the definitions that the engine runs.
  return face as unknown as RunningApp<A>
}

function namedOr<T extends { readonly name: string }>(list: readonly T[], what: string, name: string): T {
  const found = list.find((each) => each.name === name)
  return found ?? lacking(what, name, list)
}

function lacking(what: string, name: string, known: readonly { readonly name: string }[]): never {
  const names = known.map((each) => each.name)
  const message = `This app has no ${what} ${quoted(name)}. ${choices(name, names, 'It has')}`
  throw new RampartError('INPUT_INVALID', message)
}

type Send = (data: Json, options?: CommandOptions) => Promise<CommandStatus>

function streamOf(engine: Engine, decider: Decider, id: string | undefined): Readonly<Record<string, Send>> {
  const senders: Record<string, Send> = {}
  for (const type of Object.keys(decider.definition.commands)) senders[type] = senderOf(engine, type, id)
  return senders
}

function senderOf(engine: Engine, type: string, id: string | undefined): Send {
  const service = engine.serviceOf(type)
  return (data, { key, expectedVersion, waitMs = commandWaitMs } = {}) => {
    const sent: Unsent = { type, data, actor: null, dataPointer: '' }
    if (id !== undefined) sent.streamId = id
    if (key !== undefined) sent.key = key
    if (expectedVersion !== undefined) sent.expectedVersion = streamVersion(expectedVersion)
    return service.send(sent, waitMs === 0 ? { mode: 'accept' } : { mode: 'wait', waitMs })
  }
}

/** A command that is being put together. */
type Unsent = { -readonly [Member in keyof SentCommand]: SentCommand[Member] }

function transactOf({ app, services }: Engine) {
  return async (
    { decider, id, key, expectedVersion }: TransactOptions,
    decide: DecideInPlace,
  ): Promise<FinalCommand> => {
    const context = app.contexts.findIndex(({ deciders }) => deciders.some(({ name }) => name === decider))
    const service =
      services[context] ??
      lacking(
        'decider',
        decider,
        app.contexts.flatMap(({ deciders }) => deciders),
      )
    return service.transact({
      decider,
      streamId: id,
      decide,
      actor: null,
      ...(key === undefined ? {} : { key }),
      ...(expectedVersion === undefined ? {} : { expectedVersion: streamVersion(expectedVersion) }),
    })
  }
}

function readsOf(model: ReadModel): TypedReads<Json> {
  return {
    async get(key, options) {
      const { document } = await model.get(key, freshnessOf(options))
      return document
    },
    list: ({ where = {}, search, afterKey, limit = 50, ...fresh } = {}) =>
      model.list(
        {
          where: Object.entries(where).map(([index, value]) => ({ index, value })),
          search: search ?? null,
          afterKey: afterKey ?? null,
          limit,
        },
        freshnessOf(fresh),
      ),
    lag: model.lag,
  }
}

function freshnessOf({ after, version, waitMs = readWaitMs }: ReadOptions = {}): Freshness {
  return {
    waitMs,
    ...(after === undefined ? {} : { token: tokenOf(after) }),
    ...(version === undefined ? {} : { version: streamVersion(version) }),
  }
}

function tokenOf(answer: CommandAnswer<unknown>): ConsistencyToken {
  if (answer.status !== 'received') return new Map([[answer.log, answer.place]])
  const message = `Command ${answer.commandId} has no outcome that a read could wait for. Wait for it longer.`
  throw new RampartError('INPUT_INVALID', message)
}
