// The fold of synchronous projections: new events into documents, before the log has a place for them.
import { documentLengthMax, weightOf } from '../core/checks/index.ts'
import { quoted } from '../core/codec/index.ts'
import { RampartError, type DecidedEvent, type Json, type Projection, type Recorded } from '../core/index.ts'
import type { KeptCollection, StoredDocument } from '../core/ports/index.ts'
import { createFold, documentAfter, keysOf, type Fold } from './fold.ts'
import { frozenJson } from './frozen-json.ts'

/** An event that is about to be recorded: what is known of it by then. */
export interface NewlyDecided extends DecidedEvent {
  /** The stream's id. */
  readonly id: string
  /** The version that the stream has with it. */
  readonly version: number
}

/** Names a document by the number of its collection and its key. */
interface DocumentName {
  readonly collection: number
  readonly key: string
}

const surelyFits = documentLengthMax / 6

type After = ReturnType<typeof documentAfter>

/** What the write side needs of synchronous projections. */
export interface SynchronousFold {
  /** The documents that an event touches. Throws `PROJECTION_FAILED` when a key function throws. */
  readonly touchedBy: (event: NewlyDecided) => readonly DocumentName[]
  /** A document after an event. Throws `PROJECTION_FAILED` when the handler throws. */
  readonly apply: (event: NewlyDecided, name: DocumentName, before: Json) => After
  /** Documents as they are stored; those that were never there are absent. */
  readonly load: (collection: number, keys: readonly string[]) => Promise<ReadonlyMap<string, StoredDocument>>
}

/** A projection with the collection that its documents are kept in. */
export interface KeptProjection {
  readonly projection: Projection
  readonly collection: KeptCollection
}

/** The fold of all synchronous projections of a log. */
export function createSynchronousFold(kept: readonly KeptProjection[]): SynchronousFold {
  const folds = new Map(
    kept.map(({ projection, collection }) => [
      collection.number,
      { collection, fold: createFold(projection), reads: new Set(projection.reads) },
    ]),
  )
  const foldOf = (number: number) => {
    const found = folds.get(number)
    if (found === undefined) throw new Error(`No synchronous projection has the collection ${number}.`)
    return found
  }
  return {
    touchedBy(event) {
      const names: DocumentName[] = []
      for (const [collection, { fold, reads }] of folds) {
        if (!reads.has(event.type)) continue
        for (const key of keysBefore(fold, event)) names.push({ collection, key })
      }
      return names
    },
    apply: (event, { collection, key }, data) => applyBefore(foldOf(collection).fold, event, { key, data }),
    async load(number, keys) {
      const documents = await foldOf(number).collection.load(keys)
      for (const { data } of documents.values()) frozenJson(data)
      return documents
    },
  }
}

/** The keys of the documents that an event touches, without a look at its place. */
export function keysBefore(fold: Fold, event: NewlyDecided): readonly string[] {
  try {
    return keysOf(fold, new UnplacedEvent(event))
  } catch (cause) {
    throw failed(fold, event, { cause })
  }
}

/** A document after an event, without a look at the event's place. */
export function applyBefore(
  fold: Fold,
  event: NewlyDecided,
  target: { readonly key: string; readonly data: Json },
): After {
  try {
    return fitting(documentAfter(fold, new UnplacedEvent(event), target))
  } catch (cause) {
    throw failed(fold, event, { cause, key: target.key })
  }
}

// Checked here, where it is known that the app made the document: the sender of the command did not.
function fitting(after: After): After {
  // No JSON is longer than six times this weight, so that most documents need not be written to be counted.
  if (after === undefined || weightOf(after.data, surelyFits) <= surelyFits) return after
  const { length } = JSON.stringify(after.data)
  if (length <= documentLengthMax) return after
  throw new RangeError(`it has ${length} characters as JSON; ${documentLengthMax} are allowed`)
}

/** An event that has no place in its log; also when it is folded later, so that both folds are the same. */
class UnplacedEvent implements Recorded {
  readonly type: string
  readonly data: Json
  readonly id: string
  readonly version: number

  constructor({ type, data, id, version }: NewlyDecided) {
    this.type = type
    this.data = data
    this.id = id
    this.version = version
  }

  get position(): number {
    throw new TypeError('a synchronous projection folds events before they have a position')
  }

  get recordedAt(): string {
    throw new TypeError(
      'a synchronous projection folds events before they are recorded, so they have no time',
    )
  }
}

function failed(
  { projection }: Fold,
  event: NewlyDecided,
  { cause, key }: { readonly cause: unknown; readonly key?: string },
): RampartError {
  const into = key === undefined ? '' : ` into document ${quoted(key)}`
  const why = cause instanceof Error ? cause.message : String(cause)
  const message =
    `The synchronous projection ${projection.name} could not fold ${event.type} of ${quoted(event.id)}, ` +
    `version ${event.version}${into}: ${why}. Mend its handler; until then such events cannot be recorded.`
  return new RampartError('PROJECTION_FAILED', message, { cause })
}
