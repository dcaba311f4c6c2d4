// How a projection runner stores what it folded: one commit is under way while the next batch is folded.
import type { LogPlace, QuarantineChange, StoredDocument } from '../core/ports/index.ts'
import { isSamePlace } from './checkpoint.ts'
import { frozenJson } from './frozen-json.ts'
import { announce, noKeys, type Running } from './running-projection.ts'

/** What one commit stores. */
export interface Step {
  readonly to: LogPlace
  readonly changed: ReadonlyMap<string, StoredDocument>
  readonly quarantine: readonly QuarantineChange[]
}

/** Stores a step in the background, while the next batch is folded. */
export function startCommit(running: Running, step: Step): void {
  running.pendingDocuments = step.changed
  running.pending = commit(running, step)
  // It is awaited before the next one and at the end; until then its fault must not count as unhandled.
  running.pending.catch(() => undefined)
}

/** Waits for the commit that is under way, and throws what it threw. */
export async function settle(running: Running): Promise<void> {
  const { pending } = running
  running.pending = undefined
  await pending
}

/** The documents under these keys as they stand after everything that was folded. */
export async function documentsBefore(
  { hot, pendingDocuments, collection }: Running,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, StoredDocument>> {
  const found = new Map<string, StoredDocument>()
  const unknown: string[] = []
  for (const key of keys) {
    const document = pendingDocuments.get(key) ?? hot.get(key)
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
}

/** How long the stored checkpoint may stay behind while nothing but events of other types goes by. */
const unstoredMs = 250

/** Moves on where nothing was touched; the stored checkpoint follows a little later. */
export async function moveOver(running: Running, to: LogPlace): Promise<void> {
  if (to.position > running.reached.position) {
    running.reached = to
    announce(running, { reached: to.position, keys: noKeys })
  }
  const idleMs = running.options.runtime.elapsedMs() - running.committedAtMs
  if (idleMs >= unstoredMs) await keepReached(running)
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
