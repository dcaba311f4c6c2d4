// A read model as one visitor sees it: documents that its projection's rule keeps from them are not there.
import { quoted } from '../../core/codec/index.ts'
import { isRampartError, RampartError, sleep, type Json, type Runtime } from '../../core/index.ts'
import type { LogPlace } from '../../core/ports/index.ts'
import type { Freshness, ListRequest, ReadDocument, ReadModel } from '../../projection/index.ts'
import { permits } from '../access.ts'
import type { Visitor } from '../visitor.ts'

/** Whether a visitor may read a document; `undefined` when everyone may read all of them. */
export type MayRead = ((key: string, data: Json) => boolean) | undefined

/** The rule of a projection about its documents, for one visitor. */
export function mayReadOf({ projection }: ReadModel, { caller }: Visitor): MayRead {
  const { may } = projection
  return may === undefined ? undefined : (key, data) => permits(may(caller, key, data))
}

/** Documents that one listing looks through at most. */
const lookedThroughMax = 100_000
const pageMax = 1000

interface View {
  readonly model: ReadModel
  readonly mayRead: NonNullable<MayRead>
  readonly runtime: Runtime
}

/** The read model as a visitor may see it. */
export function visibleTo(model: ReadModel, mayRead: MayRead, runtime: Runtime): ReadModel {
  if (mayRead === undefined) return model
  const view: View = { model, mayRead, runtime }
  return {
    ...model,
    get: (key, freshness) => getVisible(view, key, freshness),
    list: (request, freshness) => listVisible(view, request, freshness),
  }
}

async function getVisible({ model, mayRead, runtime }: View, key: string, freshness: Freshness) {
  const { version: wanted, waitMs, signal } = freshness
  const deadlineMs = runtime.elapsedMs() + waitMs
  try {
    const found = await model.get(key, freshness)
    const { document, place, tag } = found
    if (document === undefined || mayRead(key, document.data)) return found
    if (wanted === undefined || wanted === 0) return { document: undefined, place, tag }
  } catch (fault) {
    if (!isAbout(fault)) throw fault
    const data = await lastOf(model, key)
    if (data !== null && mayRead(key, data)) throw fault
    // The model's promise for a key that is quarantined: `details.place` is where it stands.
    const place = fault.details['place'] as LogPlace
    if (wanted === undefined || wanted === 0) return { document: undefined, place, tag: model.tag() }
  }
  // A version is waited for in vain where no document is to be seen, whether there is one or not.
  await sleep(runtime, deadlineMs - runtime.elapsedMs(), signal)
  const message = `Document ${quoted(key)} has version 0, not yet ${wanted}. Wait longer.`
  throw new RampartError('READ_MODEL_BEHIND', message, { details: { version: 0 } })
}

/** True for a fault that tells something of the document itself. */
function isAbout(fault: unknown): fault is RampartError {
  if (isRampartError(fault, 'KEY_QUARANTINED')) return true
  return isRampartError(fault, 'READ_MODEL_BEHIND') && fault.details['version'] !== undefined
}

/** What a document held last, also while it is quarantined; null when there is none. */
async function lastOf({ get, quarantine }: ReadModel, key: string): Promise<Json> {
  const found = await get(key, { waitMs: 0 }).catch((fault: unknown) => {
    if (isRampartError(fault, 'KEY_QUARANTINED')) return quarantine.show(key)
    throw fault
  })
  return found.document?.data ?? null
}

/** Looks through pages until one is full of visible documents; one more tells whether there are others. */
async function listVisible({ model, mayRead }: View, request: ListRequest, freshness: Freshness) {
  const visible: ReadDocument[] = []
  let { afterKey } = request
  let lookedThrough = 0
  let demand = freshness
  for (;;) {
    const limit = Math.min(request.limit + 1, pageMax)
    // oxlint-disable-next-line no-await-in-loop -- each page starts where the one before it ended
    const page = await model.list({ ...request, afterKey, limit }, demand)
    const { documents, more, place } = page
    visible.push(...documents.filter(({ key, data }) => mayRead(key, data)))
    if (visible.length > request.limit)
      return { ...page, documents: visible.slice(0, request.limit), more: true }
    const isCutShort = more && documents.length < limit && visible.length > 0
    if (!more || isCutShort) return { ...page, documents: visible, more, place }
    freshness.signal?.throwIfAborted()
    lookedThrough += documents.length
    if (lookedThrough >= lookedThroughMax) throw tooFarApart(model.projection.name)
    afterKey = documents.at(-1)?.key ?? afterKey
    demand = { waitMs: 0, ...(freshness.signal === undefined ? {} : { signal: freshness.signal }) }
  }
}

function tooFarApart(projection: string): RampartError {
  const message = `Among ${lookedThroughMax} documents of ${projection} too few are yours to fill a page.`
  return new RampartError('INPUT_INVALID', `${message} Narrow the listing by an index.`)
}
