// Documents that commit with events, as they are after every append in flight of this process.
//
//   stored 7 ──> in flight (ticket a) ──> in flight (ticket b)      each append builds on the one before
//                      └ appended: stored 9   └ outdated when a came to nothing, and decided again
//
// Commands of any streams and decisions meet here at the documents that they share. One that follows another
// builds on its ticket, so that both commit together; when an append comes to nothing, all that was folded
// after it is outdated, and what is stored is loaded anew. The store checks each document, so that what is
// known here may be old, but never harms.
import { LRUCache } from 'lru-cache'
import { position, type Position } from '../core/codec/index.ts'
import { PassingMap } from '../core/collections/index.ts'
import type { DecidedEvent, Json } from '../core/index.ts'
import type { AppendRequest, AppendResult, StoredDocument } from '../core/ports/index.ts'

/** An event that is about to be recorded. */
export interface NewlyDecided extends DecidedEvent {
  /** The stream's id. */
  readonly id: string
  /** The version that the stream has with it. */
  readonly version: number
}

/** Names a document. */
export interface DocumentName {
  /** The number of its collection. */
  readonly collection: number
  readonly key: string
}

/** The synchronous projections of a log; every call throws `PROJECTION_FAILED` when a projection throws. */
export interface DocumentFold {
  /** The documents that an event touches. */
  readonly touchedBy: (event: NewlyDecided) => readonly DocumentName[]
  /** A document after an event; `undefined` when it stays as it is. */
  readonly apply: (
    event: NewlyDecided,
    name: DocumentName,
    before: Json,
  ) => { readonly version: number | null; readonly data: Json; readonly isChanged: boolean } | undefined
  /** Documents as they are stored; those that were never there are absent. */
  readonly load: (collection: number, keys: readonly string[]) => Promise<ReadonlyMap<string, StoredDocument>>
}

/** A document as something can be folded on it. */
interface Base {
  readonly data: Json
  /** Where it was changed last; `undefined` while the append that did so is in flight. */
  position: Position | undefined
  /** The append in flight that made it. */
  readonly flight?: { readonly ticket: string; readonly chain: object }
}

interface Flight extends Base {
  readonly name: DocumentName
  readonly version: number | null
  readonly flight: { readonly ticket: string; readonly chain: object }
  /** What it was folded on, until its own position is known. */
  base: Base | undefined
  /** Which event of its append changed it last; null when its position stays that of its base. */
  readonly event: number | null
}

/** Documents that were loaded for a command, by name. */
export type LoadedDocuments = ReadonlyMap<string, Base>

/** The documents of an append that may be sent. */
export interface FoldedDocuments {
  readonly writes: NonNullable<AppendRequest['documents']>
  readonly flights: readonly Flight[]
}

/** Documents that must be loaded before a command can be decided. */
export interface MissingDocuments {
  readonly missing: readonly DocumentName[]
}

const nothingLoaded: LoadedDocuments = new Map()
const knownMax = 10_000
const knownWeightMax = 64 * 1024 * 1024

/** The documents of a log that commands of this process fold on. */
export class DocumentTips {
  readonly #fold: DocumentFold
  readonly #inFlight = new PassingMap<string, Flight>()
  /** Stored documents, each as it was acknowledged or loaded last. */
  readonly #known = new LRUCache<string, Base>({
    max: knownMax,
    maxSize: knownWeightMax,
    sizeCalculation: ({ data }) => 256 + JSON.stringify(data).length,
  })

  constructor(fold: DocumentFold) {
    this.#fold = fold
  }

  /** Folds events that one append will record, or says what must be loaded for that. */
  fold(
    events: readonly NewlyDecided[],
    {
      ticket,
      loaded = nothingLoaded,
    }: { readonly ticket: string; readonly loaded?: LoadedDocuments | undefined },
  ): FoldedDocuments | MissingDocuments {
    const touched = events.map((event) => ({ event, names: this.#fold.touchedBy(event) }))
    const find = (name: DocumentName): Base | undefined => {
      const text = textOf(name)
      return this.#inFlight.get(text) ?? this.#known.get(text) ?? loaded.get(text)
    }
    const missing = touched.flatMap(({ names }) => names.filter((name) => find(name) === undefined))
    if (missing.length > 0) return { missing }
    const flights = new Map<string, Flight>()
    for (const [index, { event, names }] of touched.entries()) {
      for (const name of names) {
        const before = flights.get(textOf(name))
        const base = before?.base ?? find(name)
        if (base === undefined) continue
        const after = this.#fold.apply(event, name, (before ?? base).data)
        if (after === undefined) continue
        const isFirst = before === undefined && base.position === 0
        flights.set(textOf(name), {
          name,
          base,
          version: after.version,
          data: after.data,
          position: undefined,
          flight: { ticket, chain: base.flight?.chain ?? {} },
          event: after.isChanged || isFirst ? index : (before?.event ?? null),
        })
      }
    }
    const own = [...flights.values()]
    return { writes: own.map(writeOf), flights: own }
  }

  /** Loads documents from the store. */
  async load(names: readonly DocumentName[]): Promise<LoadedDocuments> {
    const keys = new Map<number, Set<string>>()
    for (const { collection, key } of names) {
      keys.set(collection, (keys.get(collection) ?? new Set()).add(key))
    }
    const loaded = new Map<string, Base>()
    const loading = Array.from(keys, async ([collection, own]) => {
      const stored = await this.#fold.load(collection, [...own])
      for (const key of own) {
        const document = stored.get(key)
        const base = { data: document?.data ?? null, position: document?.position ?? position(0) }
        loaded.set(textOf({ collection, key }), base)
      }
    })
    await Promise.all(loading)
    return loaded
  }

  /** Says that the append of these documents is on its way. Later ones build on it. */
  begin(flights: readonly Flight[]): void {
    for (const flight of flights) this.#inFlight.set(textOf(flight.name), flight)
  }

  /** Says what became of the append of these documents, `undefined` when it threw. */
  settle(
    flights: readonly Flight[],
    { result, events }: { readonly result: AppendResult | undefined; readonly events: number },
  ): void {
    for (const flight of flights) {
      if (result?.status !== 'appended') this.#drop(flight)
      else this.#acknowledge(flight, result.place.position - events)
    }
  }

  #acknowledge(flight: Flight, before: number): void {
    const text = textOf(flight.name)
    const at = flight.event === null ? flight.base?.position : position(before + flight.event + 1)
    flight.position = at
    flight.base = undefined
    if (this.#inFlight.get(text) !== flight) return
    this.#inFlight.delete(text)
    this.#known.set(text, { data: flight.data, position: at })
  }

  // What was folded after it is outdated, and begins another chain once it is decided again.
  #drop({ name, flight }: Flight): void {
    const text = textOf(name)
    const current = this.#inFlight.get(text)
    if (current !== undefined && current.flight.chain !== flight.chain) return
    this.#inFlight.delete(text)
    this.#known.delete(text)
  }
}

function writeOf({ name, base, version, data, event }: Flight): FoldedDocuments['writes'][number] {
  const write = { ...name, expectedPosition: base?.position ?? position(0), event, version, data }
  // What is in flight has no position that anybody could expect.
  const ticket = base?.position === undefined ? base?.flight?.ticket : undefined
  return ticket === undefined ? write : { ...write, buildsOn: ticket }
}

function textOf({ collection, key }: DocumentName): string {
  return `${collection} ${key}`
}
