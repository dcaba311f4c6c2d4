// Deciders: all logic of one aggregate as pure functions, defined once and inferred from there.
import type { Addressed, Caller } from './caller.ts'
import { choices } from './choices.ts'
import { RampartError } from './errors.ts'
import { requireName, requireSchema, type DecidedEvent, type EventOf, type Events } from './events.ts'
import type { Json, OnlyJson } from './json.ts'
import type { Refusal, RefusalOptions } from './refusal.ts'
import type { Schema } from './codec/schema.ts'

/** The state of a decider. Its version guards stored states against changed code. */
export interface State<S> {
  readonly version: number
  readonly initial: () => S
  readonly migrate?: Migrations
}

/** Steps from older versions of a state to the current one, by the version they start from. */
export type Migrations = Readonly<Record<number, (stored: Json) => Json>>

/**
 * Declares the state of a decider: its version, from 1, and the state of a stream without events. Whoever
 * changes its shape or its meaning counts the version up: snapshots of other versions are folded anew, and
 * state rows (see `RepositoryKind`) go through `migrate`: `{ 1: (stored) => … }` leads from version 1 to 2.
 */
export function state<S>(
  version: number,
  initial: () => S & OnlyJson<S>,
  options: { readonly migrate?: Migrations } = {},
): State<S> {
  return { version, initial, ...options }
}

/**
 * What a decision may ask for beside state and data; recorded with the command, so deciding again gives the
 * same.
 */
export interface Ask<Code extends string = string> {
  /** The id of the command, a UUID; the same for every repetition of it. */
  readonly commandId: string
  /** The stream's id within its decider. */
  readonly id: string
  /** Who sent the command; null when nobody was authenticated. */
  readonly actor: string | null
  /** When the command was received, as ISO 8601 in UTC. */
  readonly receivedAt: string
  /**
   * Refuses with a declared code, optional data for the caller, an optional sentence and events to record.
   */
  readonly refuse: (code: Code, data?: Json, options?: RefusalOptions) => Refusal<Code>
}

/** What a decision answers: one event, several, none (nothing to do), or a refusal. */
export type Decided<Event, Code extends string> = Event | readonly Event[] | Refusal<Code>

/**
 * All logic of one aggregate. `Commands` maps each command to its data, `Codes` to its refusal codes; `S` is
 * its state and `Event` the union of its events.
 */
export interface Decider<
  Name extends string = string,
  Commands = unknown,
  Codes = unknown,
  S = unknown,
  Event = unknown,
> {
  readonly name: Name
  readonly '~commands'?: Commands
  readonly '~codes'?: Codes
  readonly '~state'?: S
  readonly '~event'?: Event
  /** What the platform runs; typed loosely, because only `decider` can make one. */
  readonly definition: DeciderDefinition
}

/** The parts of a decider as the platform runs them, without the types that `decider` has checked. */
export interface DeciderDefinition {
  readonly of: Events
  readonly state: State<unknown>
  readonly evolve: Readonly<Record<string, (state: unknown, data: Json) => unknown>>
  readonly may?: (caller: Caller | null, state: unknown, addressed: Addressed) => boolean
  readonly commands: Readonly<Record<string, UntypedCommand>>
}

/** One command as the platform runs it. */
export interface UntypedCommand {
  readonly schema: Schema<Json>
  readonly refuses: readonly string[]
  readonly creates?: boolean
  readonly decide: (state: unknown, data: Json, ask: Ask) => Decided<DecidedEvent, string>
}

type CodeOf<Codes, K> = K extends keyof Codes ? NoInfer<Codes[K]> & string : never

/**
 * Defines all logic of one aggregate over its events: the initial state, how each event changes it, and one
 * decision per command. `may` says who may send commands to a stream in this state: it is asked of commands
 * that come over the network, right before they are decided, with null where nobody is authenticated; unless
 * given, everyone may. Throws `DEFINITION_INVALID` for names that cannot be recorded or events that nobody
 * evolves.
 */
export function decider<
  const Name extends string,
  All,
  const S,
  Commands extends Record<string, Json>,
  const Codes extends Record<string, string> = {},
>(
  of: Events<Name, All>,
  definition: {
    readonly state: State<S>
    readonly evolve: { readonly [K in keyof All]: (state: NoInfer<S>, data: All[K]) => NoInfer<S> }
    readonly may?: (caller: Caller | null, state: NoInfer<S>, addressed: Addressed) => boolean
    readonly commands: {
      readonly [K in keyof Commands]: {
        readonly schema: Schema<Commands[K]>
        readonly creates?: boolean
        readonly decide: (
          state: NoInfer<S>,
          data: NoInfer<Commands[K]>,
          ask: Ask<CodeOf<Codes, K>>,
        ) => Decided<EventOf<All>, CodeOf<Codes, K>>
      }
    } & { readonly [K in keyof Codes]: { readonly refuses: readonly Codes[K][] } }
  },
): Decider<Name, Commands, Codes, S, EventOf<All>> {
  // The parameter types above have checked every part; the platform runs them without their types.
  const untyped = { ...definition, of } as unknown as DeciderDefinition
  const fault = faultIn(untyped)
  if (fault !== undefined) throw new RampartError('DEFINITION_INVALID', `Decider ${of.name} ${fault}`)
  for (const [type, { schema }] of Object.entries(untyped.commands)) {
    requireName(`a command of ${of.name}`, type)
    requireSchema(`The command ${type} of ${of.name}`, schema)
  }
  return { name: of.name, definition: untyped }
}

/** What code without types can get wrong. */
function faultIn({ of, state, evolve }: DeciderDefinition): string | undefined {
  const types = Object.keys(of.definitions)
  if (typeof state?.initial !== 'function') return 'has no state. Give it one: state(1, () => ({ … })).'
  const still = types.find((type) => typeof evolve[type] !== 'function')
  if (still !== undefined) return `does not evolve ${still}. Add it to evolve.`
  const foreign = Object.keys(evolve).find((type) => !types.includes(type))
  if (foreign === undefined) return undefined
  return `evolves ${foreign}, which is no event of it. ${choices(foreign, types, 'It has')}`
}
