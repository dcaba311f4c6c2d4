// A projection that others keep, followed also when they keep it in another number of parts than this code
// says: once the documents in its own number are gone, those that are there are shown, until they are back.
import type { Runtime, Projection } from '../core/index.ts'
import { createBell } from '../subscription/index.ts'
import type { LeasedProjection } from './leased-projection.ts'
import { noKeys } from './running-projection.ts'
import { showCurrent, type ShownProjection } from './shown-projection.ts'
import { showChange, type ShownChange, type SplitChange } from './split-change.ts'
import type { Move } from './waiters.ts'

/** What is followed, and how to find what else there is. */
export interface FollowedSplit extends Pick<SplitChange, 'own' | 'open'> {
  /** The projection in the other numbers of parts that the store has at this moment. */
  readonly findOthers: () => Promise<readonly Projection[]>
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown, what: string) => void
}

interface Following {
  readonly split: FollowedSplit
  readonly stopping: AbortController
  readonly listeners: Set<(move: Move) => void>
  change: ShownChange
  endMoves: () => void
  /** The search for what took the place of documents that are gone. */
  search: Promise<void> | undefined
}

const retryMs = 1000

/** Follows it. Rejects with what the store throws. */
export async function followSplit(split: FollowedSplit): Promise<LeasedProjection> {
  const { own } = split
  const following: Following = {
    split,
    stopping: new AbortController(),
    listeners: new Set(),
    change: await lookFor(split),
    endMoves: () => {},
    search: undefined,
  }
  listen(following)
  const shown = showCurrent({
    projection: own.projection,
    log: own.log,
    now: () => following.change.shown,
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      following.listeners.add(listener)
      return () => void following.listeners.delete(listener)
    },
  })
  const partOf = (key: string): ShownProjection =>
    following.change.shown.partOf?.(key) ?? following.change.shown
  return {
    shown: Object.assign(shown, { partOf }),
    async stop() {
      following.stopping.abort()
      await following.search
      await following.change.stop()
    },
  }
}

async function lookFor({ own, open, findOthers }: FollowedSplit): Promise<ShownChange> {
  return showChange({ own, others: await findOthers(), open })
}

function listen(following: Following): void {
  const { shown } = following.change
  following.endMoves = shown.onMoved((move) => {
    for (const listener of following.listeners) listener(move)
    if (hasGone(shown)) following.search ??= search(following)
  })
}

/** Documents have a place of some epoch; only those that were forgotten, or never begun, have none. */
function hasGone(shown: ShownProjection): boolean {
  return shown.reached().epoch === ''
}

async function search(following: Following): Promise<void> {
  const { split, stopping } = following
  while (!stopping.signal.aborted && hasGone(following.change.shown)) {
    try {
      const found = await lookFor(split)
      await (hasGone(found.shown) ? found.stop() : replace(following, found))
    } catch (fault) {
      split.reportFault(fault, `the look for parts of projection ${split.own.projection.name}`)
    }
    if (hasGone(following.change.shown)) await createBell(split.runtime).wait(retryMs, stopping.signal)
  }
  following.search = undefined
}

async function replace(following: Following, next: ShownChange): Promise<void> {
  const before = following.change
  following.endMoves()
  following.change = next
  listen(following)
  await before.stop()
  for (const listener of following.listeners) listener({ reached: undefined, keys: noKeys })
}
