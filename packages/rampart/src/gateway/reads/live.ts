// Live reads: what is there, then every change, each with an id from which a stream can be taken up again.
//
// A stream lists documents in the order of the position that last changed them. An id is a place in that
// order, so that it is a valid place to resume from at any moment, also in the middle of what was there at
// first:
//
//   documents by (position, key)   1a  4b  4c  9d | 10a  12e
//                                       ^ id "4b": 4c, 9d, 10a and 12e follow, and 1a only as 10a
import { position } from '../../core/codec/index.ts'
import type { Json } from '../../core/index.ts'
import type { ChangeCursor, LogPlace, StoredDocument } from '../../core/ports/index.ts'
import type { ReadModel } from '../../projection/index.ts'
import type { StreamEvent } from '../streams.ts'
import type { Filter } from './filter.ts'
import type { MayRead } from './visible.ts'

/** What one read of a stream brings at most, and so what a client that reads nothing holds back. */
const batch = { limit: 100, bytesMax: 64 * 1024 }
/** Keys that a filtered stream remembers; beyond them it reports more than it must, never less. */
const rememberedMax = 2000
const start: LiveCursor = { position: position(0), key: '', healed: undefined }

/** A place in the order, and how many quarantined keys were healed by then, where that matters. */
interface LiveCursor extends ChangeCursor {
  readonly healed: number | undefined
}

interface Live {
  readonly model: ReadModel
  /** `Last-Event-ID` as sent. */
  readonly resumeFrom: string | undefined
  /** Where the model stands as the stream opens. */
  readonly place: LogPlace
  readonly mayRead: MayRead
}

/** Events of one document: its latest state, then its changes. */
export async function* documentChanges(
  { model, key, resumeFrom, place, mayRead }: Live & { readonly key: string },
  signal: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  const resumed = await resumptionOf({ model, resumeFrom, place, mayRead })
  if (resumeFrom !== undefined && resumed === undefined) yield [reset]
  const sight = createSight(mayRead)
  const first = resumed === undefined ? await latestOf(model, key, sight) : { events: [] }
  if (first.events.length > 0) yield first.events
  const { cursor = resumed ?? start, tag = model.tag() } = first
  yield* follow({ model, cursor, key, tag }, signal, (documents, at) =>
    documents.flatMap(sight).map((each) => eventOf(at, each)),
  )
}

interface Latest {
  readonly events: StreamEvent[]
  readonly cursor?: LiveCursor
  readonly tag?: string
}

/** A document as it is, in a function of its own: a generator would hold what it read as long as it lives. */
async function latestOf(model: ReadModel, key: string, sight: Sight): Promise<Latest> {
  const { documents, ...at } = await model.changes(start, { ...batch, key })
  const [latest] = documents
  const seen = latest === undefined || latest.data === null ? [] : sight(latest)
  const cursor = { position: latest?.position ?? at.place.position, key, healed: at.healed }
  return { events: seen.map((each) => eventOf(at, each)), cursor, tag: at.tag }
}

/** Events of a listing: what it lists, then changes; what is listed no more comes with `data` null. */
export async function* listChanges(
  { model, filter, resumeFrom, place, mayRead }: Live & { filter: Filter },
  signal: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  const resumed = await resumptionOf({ model, resumeFrom, place, mayRead })
  if (resumeFrom !== undefined && resumed === undefined) yield [reset]
  const isRuled = mayRead !== undefined
  const known = new KnownKeys({ mayHoldMore: resumed !== undefined, isRuled })
  const mustHear = ({ key, position, data }: StoredDocument, isListed: boolean): boolean => {
    if (filter !== undefined || isRuled) return known.note(key, isListed)
    // What was deleted before a stream begins is no news to it.
    return data !== null || resumed !== undefined || position > place.position
  }
  yield* follow({ model, cursor: resumed ?? start, tag: model.tag() }, signal, (documents, at) =>
    documents.flatMap((document) => {
      const { key, data } = document
      const isListed = data !== null && (filter?.(data) ?? true) && (mayRead?.(key, data) ?? true)
      if (!mustHear(document, isListed)) return []
      return [eventOf(at, isListed ? document : { ...document, data: null })]
    }),
  )
}

interface Followed {
  readonly model: ReadModel
  readonly cursor: LiveCursor
  readonly key?: string
  /** What the cursor stands in. */
  readonly tag: string
}

async function* follow(
  { model, cursor, key, tag: tagAtFirst }: Followed,
  signal: AbortSignal,
  write: (documents: readonly StoredDocument[], at: Moment) => StreamEvent[],
): AsyncGenerator<StreamEvent[]> {
  const options = { ...batch, ...(key === undefined ? {} : { key }) }
  let known = cursor.healed
  let reading = tagAtFirst
  for (let at: ChangeCursor = cursor; !signal.aborted;) {
    // oxlint-disable-next-line no-await-in-loop -- each batch starts where the one before it ended
    const { documents, place, healed, tag } = await model.changes(at, options)
    if (tag !== reading) {
      // Other documents have taken the place of those that the cursor stands in.
      reading = tag
      known = healed
      at = start
      yield [reset]
      continue
    }
    const hasHealed = known !== undefined && healed !== known
    known = healed
    if (hasHealed) {
      // A healed document may stand before the cursor's key at the cursor's own position.
      at = { position: at.position, key: '' }
      continue
    }
    const last = documents.at(-1)
    if (last === undefined) {
      // oxlint-disable-next-line no-await-in-loop -- nothing is to be done until the model moves
      await model.moved(place.position, signal, key)
      continue
    }
    at = { position: last.position, key: last.key }
    const events = write(documents, { place, healed, tag })
    if (events.length > 0) yield events
  }
}

/**
 * The place to go on from; none when the id is unreadable, of other documents, or of what the log or the
 * model does not contain any more. Where a rule decides, readers begin anew: ids may name what it hides.
 */
async function resumptionOf({ model, resumeFrom, place, mayRead }: Live): Promise<LiveCursor | undefined> {
  const id = resumeFrom === undefined || mayRead !== undefined ? undefined : parseId(resumeFrom)
  if (id === undefined || id.tag !== model.tag() || id.cursor.position > place.position) return undefined
  return (await model.holds(id.seen)) ? id.cursor : undefined
}

type Sight = (document: StoredDocument) => readonly StoredDocument[]

/** What a reader sees of one document's states: one that is kept from them is an absence, told once. */
function createSight(mayRead: MayRead): Sight {
  if (mayRead === undefined) return (document) => [document]
  let wasSeen = false
  return (document) => {
    const { key, data } = document
    const mustHear = wasSeen
    wasSeen = data !== null && mayRead(key, data)
    if (wasSeen) return [document]
    return mustHear ? [{ ...document, data: null }] : []
  }
}

/**
 * What the client of a listing holds, as far as it is remembered: it needs no word about the absence of
 * what it never had. After a resumption or too many keys it may hold anything, and then every absence is
 * reported; but where a rule keeps documents from it, only of what is remembered.
 */
class KnownKeys {
  readonly #held = new Map<string, boolean>()
  #mayHoldMore: boolean

  readonly #isRuled: boolean

  constructor({ mayHoldMore, isRuled }: { readonly mayHoldMore: boolean; readonly isRuled: boolean }) {
    this.#mayHoldMore = mayHoldMore
    this.#isRuled = isRuled
  }

  /** Notes a state; true when the client must hear of it. */
  note(key: string, isListed: boolean): boolean {
    const mustHear = isListed || (this.#held.get(key) ?? this.#mayHoldMore)
    if (this.#held.size >= rememberedMax) {
      this.#held.clear()
      this.#mayHoldMore = !this.#isRuled
    }
    if (isListed || this.#mayHoldMore) this.#held.set(key, isListed)
    else this.#held.delete(key)
    return mustHear
  }
}

const reset: StreamEvent = { event: 'reset', data: {} }

/** When a stream saw what it says. */
interface Moment {
  readonly place: LogPlace
  readonly healed: number
  readonly tag: string
}

function eventOf(
  { place: seen, healed, tag }: Moment,
  { key, version, data, position }: StoredDocument,
): StreamEvent {
  const id = JSON.stringify([tag, seen.epoch, seen.position, seen.eventId, position, key, healed])
  const document: { readonly [member: string]: Json } =
    version === null ? { key, data } : { key, version, data }
  return { id: Buffer.from(id).toString('base64url'), data: document }
}

/** What an id says: a cursor, and all that the documents contained when it was sent. */
interface LiveId {
  readonly tag: string
  /**
   * All of it must be of the log's history, not the cursor alone: a document that lost events had moved
   * beyond the cursor stands before it without them, and would never be sent.
   */
  readonly seen: LogPlace
  readonly cursor: LiveCursor
}

function parseId(text: string): LiveId | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (!Array.isArray(parsed) || parsed.length !== 7) return undefined
    const [tag, epoch, seenAt, eventId, at, key, healed]: readonly unknown[] = parsed
    if (typeof tag !== 'string' || typeof epoch !== 'string' || typeof eventId !== 'string') return undefined
    if (!isPosition(seenAt) || !isPosition(at) || at > seenAt) return undefined
    if (typeof key !== 'string' || typeof healed !== 'number') return undefined
    const seen = { epoch, position: position(seenAt), eventId }
    return { tag, seen, cursor: { position: position(at), key, healed } }
  } catch {
    // Whatever it is, it is no id of ours; the stream begins anew and says so.
    return undefined
  }
}

function isPosition(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
