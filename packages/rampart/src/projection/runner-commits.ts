// How a projection runner stores what it folded: one commit is under way while the next batches are folded,
// and batches that follow each other at once are stored together, each document once.
import type { LogPlace, QuarantineChange, StoredDocument } from '../core/ports/index.ts'
import { isSamePlace } from './checkpoint.ts'
import { weightOf } from '../core/checks/index.ts'
import { frozenJson } from './frozen-json.ts'
import { announce, inTurn, noKeys, type Running } from './running-projection.ts'

/** What one commit stores. */
export interface Step {
  readonly to: LogPlace
  readonly changed: ReadonlyMap<string, StoredDocument>
  readonly quarantine: readonly QuarantineChange[]
}

// While much is to be caught up, the stored documents stay behind what is folded by these bounds at most.
const gatheredMs = 50
const gatheredDocuments = 10_000
const gatheredWeight = 8 * 1024 * 1024

/** Adds what a batch changed to what is stored next. */
export function gather(running: Running, to: LogPlace, changed: ReadonlyMap<string, StoredDocument>): void {
  const gathered = running.gathered ?? {
    to,
    changed: new Map(),
    weight: 0,
    sinceMs: running.options.runtime.elapsedMs(),
  }
  running.gathered = gathered
  gathered.to = to
  for (const [key, document] of changed) {
    gathered.changed.set(key, document)
    gathered.weight += weightOf(document.data, gatheredWeight)
  }
}

/** Whether what is gathered may wait for the batch that follows at once. */
export function mayGather({ gathered, options }: Running): boolean {
  if (gathered === undefined) return true
  const { changed, weight, sinceMs } = gathered
  const isSmall = changed.size < gatheredDocuments && weight < gatheredWeight
  return isSmall && options.runtime.elapsedMs() - sinceMs < gatheredMs
}

/** Starts to store what is gathered, if anything is, after the commit that is under way. */
export async function storeGathered(
  running: Running,
  quarantine: readonly QuarantineChange[] = [],
): Promise<void> {
  const { gathered } = running
  if (gathered === undefined) return
  await settle(running)
  running.gathered = undefined
  startCommit(running, { to: gathered.to, changed: gathered.changed, quarantine })
}

/** Stores a step in the background, while the next batch is folded. */
export function startCommit(running: Running, step: Step): void {
  running.pendingDocuments = step.changed
  running.pending = commit(running, step)
  // It is awaited before the next one and at the end; until then its fault must not count as unhandled.
  running.pending.catch(() => undefined)
}

/**
 * Waits for the commit that is under way, and throws what it threw. What was folded after it stood on its
 * documents, and is forgotten then.
 */
export async function settle(running: Running): Promise<void> {
  const { pending } = running
  running.pending = undefined
  try {
    await pending
  } catch (error) {
    forgetDocuments(running)
    throw error
  }
}

/** The documents under these keys as they stand after everything that was folded. */
export async function documentsBefore(
  { hot, gathered, pendingDocuments, collection }: Running,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, StoredDocument>> {
  const found = new Map<string, StoredDocument>()
  const unknown: string[] = []
  for (const key of keys) {
    const document = gathered?.changed.get(key) ?? pendingDocuments.get(key) ?? hot.get(key)
    if (document === undefined) unknown.push(key)
    else found.set(key, document)
  }
  if (unknown.length === 0) return found
  for (const [key, document] of await collection.load(unknown)) {
    frozenJson(document.data)
    found.set(key, document)
  }
  return found
}

/** Forgets what is known of documents, when it may not be true any more. */
export function forgetDocuments(running: Running): void {
  running.hot.forgetAll()
  running.pendingDocuments = new Map()
  running.gathered = undefined
}

/** How long the stored checkpoint may stay behind while nothing but events of other types goes by. */
const unstoredMs = 250

/** Moves on where nothing was touched; the stored checkpoint follows a little later. */
export async function moveOver(running: Running, to: LogPlace): Promise<void> {
  await settle(running)
  if (to.position > running.reached.position) {
    running.reached = to
    announce(running, { reached: to.position, keys: noKeys })
  }
  const idleMs = running.options.runtime.elapsedMs() - running.committedAtMs
  if (idleMs >= unstoredMs) await keepReached(running)
  else keepSoon(running, unstoredMs - idleMs)
}

/** Processes that serve what this one projects know the stored place alone, and their readers may wait. */
function keepSoon(running: Running, delayMs: number): void {
  if (running.isKeepingSoon) return
  running.isKeepingSoon = true
  const keep = async (): Promise<void> => {
    running.isKeepingSoon = false
    // What failed stays pending, so that the next batch meets the fault.
    await running.pending
    const { state, stopping, gathered, committed, reached } = running
    if (state.status !== 'running' || stopping.signal.aborted || gathered !== undefined) return
    if (!isSamePlace(committed, reached))
      startCommit(running, { to: reached, changed: new Map(), quarantine: [] })
  }
  const inOwnTurn = (): void => void inTurn(running, keep).catch(() => undefined)
  running.options.runtime.setTimer(delayMs, inOwnTurn, { keepAlive: false })
}

/** Stores the place that is reached, if it is not stored yet. */
export async function keepReached(running: Running): Promise<void> {
  if (running.state.status === 'running' && !isSamePlace(running.committed, running.reached)) {
    await commit(running, { to: running.reached, changed: new Map(), quarantine: [] })
  }
}

async function commit(running: Running, { to, changed, quarantine }: Step): Promise<void> {
  const { collection, hot, committed: from, options } = running
  const documents = [...changed.values()]
  await collection.commit({ from, to, documents, quarantine })
  running.committed = to
  running.reached = to
  running.committedAtMs = options.runtime.elapsedMs()
  for (const document of documents) hot.keep(document)
  announce(running, { reached: to.position, keys: changed })
}
