// Decisions: deciders without a stream, whose state is folded from all events that a query over tags finds.
import type { Caller } from './caller.ts'
import type { Ask, Decided, State } from './decider.ts'
import { RampartError } from './errors.ts'
import { requireName, type AnyEvents, type DecidedEvent, type EventOf, type Events } from './events.ts'
import type { Json } from './json.ts'
import type { AllOf } from './projection.ts'
import type { Refusal } from './refusal.ts'
import type { Schema } from './codec/schema.ts'

/** Picks events that a decision stands on: any of the types, all of the tags. */
export interface QueryItem<Type extends string = string> {
  /** Every type that the decision evolves when absent. */
  readonly types?: readonly Type[]
  /** At least one. */
  readonly tags: readonly string[]
}

/** What `decide` of a decision may ask for; it has no stream, and so no stream id. */
export type DecisionAsk<Code extends string = string> = Omit<Ask<Code>, 'id'>

/** The events of one source, because they go to one stream. */
type EventsOfOne<Of> =
  Of extends Events<string, infer All>
    ? EventOf<All> | readonly EventOf<All>[]
    : Of extends readonly (infer Source)[]
      ? Source extends AnyEvents
        ? EventsOfOne<Source>
        : never
      : never

/** One command over many streams. `Data` is what the command carries, `Code` what it may be refused with. */
export interface Decision<Name extends string = string, Data = unknown, Code = unknown> {
  readonly name: Name
  readonly '~data'?: Data
  readonly '~code'?: Code
  /** What the platform runs; typed loosely, because only `decision` can make one. */
  readonly definition: DecisionDefinition
}

/** The parts of a decision as the platform runs them, without the types that `decision` has checked. */
export interface DecisionDefinition {
  readonly name: string
  /** The definitions of the events that it reads and records; at least one. */
  readonly sources: readonly AnyEvents[]
  readonly schema: Schema<Json>
  readonly refuses: readonly string[]
  readonly query: (data: Json) => readonly QueryItem[]
  readonly state: State<unknown>
  readonly may?: (caller: Caller | null, state: unknown, data: Json) => boolean
  readonly evolve: Readonly<Record<string, (state: unknown, data: Json, command: Json) => unknown>>
  readonly decide: (state: unknown, data: Json, ask: DecisionAsk) => Decided<DecidedEvent, string>
}

/**
 * Defines one command whose state is a fold of every event that its query finds. Its append fails, and it is
 * decided anew, when another such event came in between. What it decides goes to a new stream: the name of
 * the events' definition, and the command's id. `may` says who may decide on this state: it is asked of
 * commands that come over the network, with null where nobody is authenticated. Throws `DEFINITION_INVALID`
 * for what cannot work.
 */
export function decision<
  const Name extends string,
  const Of extends AnyEvents | readonly AnyEvents[],
  const S,
  Data extends Json,
  const Code extends string = never,
>(
  name: Name,
  definition: {
    readonly of: Of
    readonly schema: Schema<Data>
    readonly refuses: readonly Code[]
    readonly query: (data: NoInfer<Data>) => readonly QueryItem<keyof AllOf<Of> & string>[]
    readonly state: State<S>
    readonly may?: (caller: Caller | null, state: NoInfer<S>, data: NoInfer<Data>) => boolean
    readonly evolve: {
      readonly [K in keyof AllOf<Of> & string]?: (
        state: NoInfer<S>,
        data: AllOf<Of>[K],
        command: NoInfer<Data>,
      ) => NoInfer<S>
    }
    readonly decide: (
      state: NoInfer<S>,
      data: NoInfer<Data>,
      ask: DecisionAsk<NoInfer<Code>>,
    ) => EventsOfOne<Of> | Refusal<NoInfer<Code>>
  },
): Decision<Name, Data, Code> {
  requireName('a decision', name)
  const { of, ...parts } = definition
  // `Of` is one source or a list of them; Array.isArray does not narrow readonly lists.
  const sources = (Array.isArray(of) ? of : [of]) as readonly AnyEvents[]
  // The parameter types above have checked every part; the platform runs them without their types.
  const untyped = { ...parts, name, sources } as unknown as DecisionDefinition
  const fault = faultOf(untyped)
  if (fault === undefined) return { name, definition: untyped }
  throw new RampartError('DEFINITION_INVALID', `Decision ${name} ${fault}.`)
}

const someCommandId = '00000000-0000-4000-8000-000000000000'

function faultOf({ sources, evolve }: DecisionDefinition): string | undefined {
  if (sources.length === 0) return 'names no events. Name at least one definition in of'
  const closed = sources.find(({ streamId }) => streamId.parse(someCommandId) !== someCommandId)
  if (closed !== undefined) {
    return `records to streams whose id is a UUID, but an id of ${closed.name} is ${closed.streamId.describe}`
  }
  const types = sources.flatMap((source) => Object.keys(source.definitions))
  const evolved = Object.keys(evolve)
  if (evolved.length === 0) return 'evolves no event, so nothing could change what it decides'
  const foreign = evolved.find((type) => !types.includes(type))
  return foreign === undefined ? undefined : `evolves ${foreign}, which none of its sources has`
}
