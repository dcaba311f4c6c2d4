// Tells processes that only serve what the projections of this one come to, every second and when one stops.
import type { Runtime } from '../core/index.ts'
import type { EventStore, ReadStore } from '../core/ports/index.ts'
import { createBell } from '../subscription/index.ts'
import type { ShownProjection } from './shown-projection.ts'

type SharedReads = NonNullable<ReadStore['shared']>
type Standing = Parameters<SharedReads['tell']>[2]

const tellEveryMs = 1000

/** What word is left of. */
export interface TellingOptions {
  readonly shown: ShownProjection
  readonly store: Pick<EventStore, 'epochs'>
  readonly shared: SharedReads
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown, what: string) => void
}

/** Begins to tell; `stop` ends it. */
export function tellStanding(options: TellingOptions): { readonly stop: () => Promise<void> } {
  const stopping = new AbortController()
  const told = tellUntil(options, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await told
    },
  }
}

async function tellUntil(options: TellingOptions, signal: AbortSignal): Promise<void> {
  const { shown, shared, runtime, reportFault } = options
  const { name } = shown.projection
  const bell = createBell(runtime)
  const endMoves = shown.onMoved(({ reached }) => (reached === undefined ? bell.ring() : undefined))
  let isFailing = false
  while (!signal.aborted) {
    try {
      await shared.tell(shown.log, name, await standingOf(options))
      isFailing = false
    } catch (fault) {
      if (!isFailing) reportFault(fault, `the word about projection ${name}`)
      isFailing = true
    }
    await bell.wait(tellEveryMs, signal)
  }
  endMoves()
}

async function standingOf({ shown, store }: TellingOptions): Promise<Standing> {
  const state = shown.state()
  return {
    epochs: await store.epochs(),
    stopped: state.status === 'stopped' ? state.reason : null,
    upgradeStopped: shown.upgradeStopped() ?? null,
    beginsAnew: shown.beginsAnew() ?? null,
    // A lag that cannot be told is unknown, which no watcher takes for none.
    lag: await shown.lag().catch(() => null),
  }
}
