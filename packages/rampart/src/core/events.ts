// Definitions of events: the storage format of one aggregate, and all that a read side imports of it.
import { RampartError } from './errors.ts'
import { idFault, isUuid } from './identity.ts'
import type { Json, OnlyJson } from './json.ts'
import type { Runtime } from './runtime.ts'
import type { Schema } from './codec/schema.ts'
import type { Upcasters } from './upcaster.ts'

/** How one type of event is recorded. */
export interface EventDefinition<Data> {
  /** The current schema version, from 1. */
  readonly version: number
  /** Checks the data before it is recorded; should be strict, so that nothing is recorded by accident. */
  readonly schema: Schema<Data>
  /** Keys for dynamic consistency; none unless given. */
  readonly tags?: (data: NoInfer<Data>) => readonly string[]
  /** Steps from older recorded versions to the current one, by the version they start from. */
  readonly upcast?: Upcasters
}

/** An event that a decider wants to record. */
export interface DecidedEvent<Type extends string = string, Data = Json> {
  readonly type: Type
  readonly data: Data
}

/** A recorded event as deciders' folds and projections see it, in its current shape. */
export interface Recorded<Type extends string = string, Data = Json> {
  readonly type: Type
  readonly data: Data
  /** The stream's id within its decider. */
  readonly id: string
  /** The place of the event in its stream, from 1. */
  readonly version: number
  /** The place of the event in its log, from 1. */
  readonly position: number
  /** When the store recorded it, as ISO 8601 in UTC; never goes backwards within a log. */
  readonly recordedAt: string
}

/** What ids the streams of one aggregate may have. */
export interface StreamIdRule {
  /** The id in its one normal form, or `undefined` when the text is no such id. */
  readonly parse: (text: string) => string | undefined
  /** Says to a person what an id looks like: `a UUID`. */
  readonly describe: string
  /** Makes an id for commands that create a stream and come without one; absent when callers must name it. */
  readonly make?: (runtime: Runtime) => string
  /** The JSON Schema `format` of an id, where there is one. */
  readonly format?: string
}

/** Ids that callers choose freely: 1 to 1,024 bytes of UTF-8 without control characters. */
export const anyStreamId: StreamIdRule = {
  parse: (text) => (idFault(text) === undefined ? text : undefined),
  describe: '1 to 1,024 bytes of UTF-8 without control characters or lone surrogates, and no dot segment',
}

/** UUIDs, kept in lower case, made by the server when a creating command comes without one. */
export const uuidStreamId: StreamIdRule = {
  parse(text) {
    const lower = text.toLowerCase()
    return isUuid(lower) ? lower : undefined
  },
  describe: 'a UUID',
  make: (runtime) => runtime.uuid(),
  format: 'uuid',
}

/** The event definitions of one aggregate, by type. `All` maps each type to its data. */
export interface Events<Name extends string = string, All = unknown> {
  readonly name: Name
  readonly definitions: { readonly [K in keyof All]: EventDefinition<All[K]> }
  /** One constructor per type: `make.OrderPlaced(data)`. */
  readonly make: { readonly [K in keyof All & string]: (data: All[K]) => DecidedEvent<K, All[K]> }
  readonly streamId: StreamIdRule
}

/** Any event definitions, whatever their data. */
export type AnyEvents = Events<string, AnyData>

// oxlint-disable-next-line no-explicit-any -- data stands in argument places too, so no other type fits all
type AnyData = any

/** The union of events that `All` describes. */
export type EventOf<All> = { [K in keyof All & string]: DecidedEvent<K, All[K]> }[keyof All & string]

/**
 * Defines how the events of one aggregate are recorded. Names are past tense, unique within a bounded
 * context. Throws `DEFINITION_INVALID` for a name or version that cannot be recorded.
 */
export function events<const Name extends string, All extends Record<string, Json>>(
  name: Name,
  definitions: { readonly [K in keyof All]: EventDefinition<All[K]> & OnlyJson<All[K]> },
  options: { readonly streamId?: StreamIdRule } = {},
): Events<Name, All> {
  requireName('event definitions', name)
  const types = Object.keys(definitions)
  for (const type of types) {
    requireDefinition(name, type, definitions[type]?.version)
    requireSchema(`The event ${type} of ${name}`, definitions[type]?.schema)
  }
  const makers = types.map((type) => [type, (data: Json) => ({ type, data })] as const)
  return {
    name,
    definitions,
    // Object.fromEntries forgets the keys' types; they are those of `definitions`.
    make: Object.fromEntries(makers) as unknown as Events<Name, All>['make'],
    streamId: options.streamId ?? anyStreamId,
  }
}

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/**
 * Throws `DEFINITION_INVALID` unless a name is 1 to 64 letters, digits, hyphens or underscores after a
 * letter.
 */
export function requireName(what: string, name: string): void {
  if (namePattern.test(name)) return
  const rule = 'Use a letter and then letters, digits, hyphens or underscores, 64 at most'
  throw new RampartError(
    'DEFINITION_INVALID',
    `The name ${JSON.stringify(name)} of ${what} is invalid. ${rule}.`,
  )
}

function requireDefinition(name: string, type: string, version: number | undefined): void {
  requireName(`an event of ${name}`, type)
  if (version !== undefined && Number.isSafeInteger(version) && version >= 1) return
  const message = `The event ${type} of ${name} needs a schema version, a whole number from 1.`
  throw new RampartError('DEFINITION_INVALID', message)
}

/** Throws `DEFINITION_INVALID` for what cannot validate anything. */
export function requireSchema(what: string, schema: unknown): void {
  // Validators may be functions with members, too.
  const isHolder = (typeof schema === 'object' && schema !== null) || typeof schema === 'function'
  if (isHolder && '~standard' in schema) return
  const remedy = 'Give it one of Zod, Valibot, ArkType or another Standard Schema library.'
  throw new RampartError('DEFINITION_INVALID', `${what} has no schema. ${remedy}`)
}
