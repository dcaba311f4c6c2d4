// Projections: pure keyed folds of events into documents, with a name and a version.
import type { Caller } from './caller.ts'
import { choices } from './choices.ts'
import { RampartError } from './errors.ts'
import { requireName, type AnyEvents, type Events, type Recorded } from './events.ts'
import type { Json, OnlyJson } from './json.ts'

/** All events of one source, or of a list of sources. */
export type AllOf<Of> =
  Of extends Events<string, infer All>
    ? All
    : Of extends readonly [infer Head, ...infer Tail]
      ? AllOf<Head> & AllOf<Tail>
      : {}

/** A document as handlers get it: frozen at every depth, because it is kept between batches. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/** An event as handlers get it. A synchronous projection folds it before the log has a place for it. */
type EventFor<Synchronous, Type, Data> = Synchronous extends true
  ? Omit<Recorded<Type & string, Data>, 'position' | 'recordedAt'>
  : Recorded<Type & string, Data>

/** A projection as the platform runs it, and as it is known by name. */
export interface Projection<Name extends string = string, Doc = Json> {
  readonly name: Name
  /** Grows when the fold changes in a way that needs the read model to be built again. */
  readonly version: number
  /** True when its documents commit with the events, and not a little later. */
  readonly synchronous: boolean
  /** Over how many parts its keys are spread, each with documents and a checkpoint of its own. */
  readonly parts: number
  readonly sources: readonly AnyEvents[]
  /** True when each stream has one document under its id, so that versioned reads work. */
  readonly perStream: boolean
  /** Every event type it reads from the log, handled ones and, per stream, those that only count versions. */
  readonly reads: readonly string[]
  readonly keysOf: (event: Recorded) => readonly string[]
  readonly initial: Json
  /** The fold of one event into the document under `key`, which is one of the event's keys. */
  readonly on: Readonly<Record<string, (doc: Json, event: Recorded, key: string) => Json | null>>
  readonly indexes: readonly string[]
  readonly search: readonly string[]
  /** Who may read a document; everyone when absent. */
  readonly may?: (caller: Caller | null, key: string, doc: Json) => boolean
  readonly '~doc'?: Doc
}

/** What a projection consists of. */
interface ProjectionParts<Doc, Of, Next, Synchronous> {
  readonly version: number
  readonly synchronous?: Synchronous
  readonly parts?: number
  readonly of: Of
  readonly key:
    | 'stream'
    | {
        readonly [K in keyof AllOf<Of> & string]?: (
          event: EventFor<Synchronous, K, AllOf<Of>[K]>,
        ) => string | readonly string[]
      }
  readonly initial: Doc & OnlyJson<Doc>
  readonly on: {
    readonly [K in keyof AllOf<Of> & string]?: (
      doc: NoInfer<Frozen<Doc>>,
      event: EventFor<Synchronous, K, AllOf<Of>[K]>,
      key: string,
    ) => Next
  }
  readonly indexes?: readonly (keyof Doc & string)[]
  readonly search?: readonly (keyof Doc & string)[]
  readonly may?: (caller: Caller | null, key: string, doc: NoInfer<Frozen<Doc>>) => boolean
}

/**
 * Defines a pure keyed fold. `key: 'stream'` keeps one document per stream under its id; otherwise `key` maps
 * each event type that touches the read model to the key or keys of the documents it changes, and other
 * events do not touch it. A handler is called once for each different key, with the key as its last argument;
 * one that returns null deletes the document. `indexes` are members to look documents up by, `search` are
 * members whose words can be searched. `may` says who may read a document: to everyone else over the network
 * it is not there; it is asked with null where nobody is authenticated. With `synchronous: true` documents
 * are stored in the write store by the append that records the events: whoever has the answer of a command
 * can read its effect, and a handler that throws fails its command with `PROJECTION_FAILED`. Its events have
 * no position and time yet. `parts` spreads the keys over that many parts, 32 at most, which several
 * processes keep up to date at a time. Throws `DEFINITION_INVALID` for what cannot work.
 */
export function projection<
  const Name extends string,
  Doc,
  const Of extends AnyEvents | readonly AnyEvents[],
  // Inferred as written, so that a handler's literals are not widened to what no union has.
  const Next extends Frozen<Doc> | null = Frozen<Doc> | null,
  const Synchronous extends boolean = false,
>(name: Name, definition: ProjectionParts<Doc, Of, Next, Synchronous>): Projection<Name, Doc> {
  requireName('a projection', name)
  // `Of` is one source or a list of them; Array.isArray does not narrow readonly lists.
  const sources = (Array.isArray(definition.of) ? definition.of : [definition.of]) as readonly AnyEvents[]
  // The parameter types above have checked key and handlers; the platform runs them without their types.
  const keys = definition.key as 'stream' | Keys
  const on = definition.on as unknown as Projection['on']
  return {
    name,
    version: definition.version,
    synchronous: definition.synchronous ?? false,
    parts: definition.parts ?? 1,
    sources,
    ...reading(name, { ...definition, keys, on, sources }),
    // `OnlyJson` has checked that the initial document is JSON.
    initial: definition.initial as Json,
    on,
    indexes: definition.indexes ?? [],
    search: definition.search ?? [],
    // The parameter types above have checked the rule; it gets the documents that its own handlers made.
    ...(definition.may === undefined
      ? {}
      : { may: definition.may as unknown as NonNullable<Projection['may']> }),
  }
}

type Keys = Readonly<Record<string, (event: Recorded) => string | readonly string[]>>

function listOf(keys: string | readonly string[] | undefined): readonly string[] {
  if (keys === undefined) return []
  return typeof keys === 'string' ? [keys] : [...new Set(keys)]
}

/** The largest number of parts: each of them reads the whole log. */
const partsMax = 32

interface Parts {
  readonly version: number
  readonly parts?: number
  readonly synchronous?: boolean
  readonly keys: 'stream' | Keys
  readonly on: Projection['on']
  readonly sources: readonly AnyEvents[]
}

/** Which events the projection reads and which documents they touch. Throws when the parts do not fit. */
function reading(name: string, parts: Parts): Pick<Projection, 'perStream' | 'reads' | 'keysOf'> {
  const types = parts.sources.flatMap((source) => Object.keys(source.definitions))
  const fault = inconsistency(parts, types)
  if (fault !== undefined) throw new RampartError('DEFINITION_INVALID', `Projection ${name} ${fault}.`)
  const { keys } = parts
  return keys === 'stream'
    ? { perStream: true, reads: types, keysOf: (event) => [event.id] }
    : {
        perStream: false,
        reads: Object.keys(keys),
        keysOf: (event) => listOf(keys[event.type]?.(event)),
      }
}

function inconsistency(definition: Parts, types: readonly string[]): string | undefined {
  const { version, parts = 1, synchronous, keys, on, sources } = definition
  if (!Number.isSafeInteger(version) || version < 1) return 'needs a version, a whole number from 1'
  if (!Number.isSafeInteger(parts) || parts < 1 || parts > partsMax)
    return `has ${parts} parts; give it a whole number from 1 to ${partsMax}`
  if (synchronous && parts > 1) return 'is synchronous, which is done whole: leave `parts` out'
  if (keys === 'stream' && sources.length !== 1) return "has key 'stream', which needs exactly one source"
  const handled = Object.keys(on)
  const foreign = [...handled, ...(keys === 'stream' ? [] : Object.keys(keys))].find(
    (type) => !types.includes(type),
  )
  if (foreign !== undefined) {
    const known = choices(foreign, types, 'They have').slice(0, -1)
    return `names ${foreign}, which none of its sources has. ${known}`
  }
  const keyless = handled.find((type) => keys !== 'stream' && keys[type] === undefined)
  if (keyless !== undefined) return `handles ${keyless} without a key for it`
  return undefined
}
