// A synchronous projection as read models see it: always at the head of its log.
import { RampartError } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import type { ProjectionRunner, RunnerState } from './projection-runner.ts'
import { announce, noKeys } from './running-projection.ts'
import type { KeptProjection } from './synchronous-fold.ts'
import type { Move } from './waiters.ts'

/** The runner of documents that are kept with their events: nothing runs, and appends move it. */
export async function createSynchronousRunner(
  store: EventStore,
  { projection, collection }: KeptProjection,
): Promise<ProjectionRunner> {
  const listeners = new Set<(move: Move) => void>()
  let state: RunnerState = { status: 'running' }
  let tag = String(projection.version)
  let reached = await collection.checkpoint()
  const end = collection.onChanged(({ place, keys }) => {
    reached = place
    announce({ listeners }, { reached: place.position, keys })
  })
  return {
    projection,
    store,
    collection,
    state: () => state,
    tag: () => tag,
    setTag: (next) => void (tag = next),
    reached: () => reached,
    placeOf: (place) => place,
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    // Nothing can be held back: documents change with their events or not at all.
    hold: async () => ({ place: reached, release: () => {} }),
    limitTo: () => {},
    quarantinedCount: () => 0,
    treat: () => Promise.reject(neverQuarantined(projection.name)),
    async stop() {
      end()
      state = { status: 'ended' }
      announce({ listeners }, { reached: undefined, keys: noKeys })
    },
  }
}

function neverQuarantined(name: string): RampartError {
  return new RampartError('READ_NOT_FOUND', `${name} is synchronous: none of its keys is ever quarantined.`)
}
