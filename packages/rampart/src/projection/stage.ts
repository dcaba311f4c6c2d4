// What readers of a projection get at one time, and the way to show them something else.
import type { CollectionState, ReadStore } from '../core/ports/index.ts'
import { createBell } from '../subscription/index.ts'
import type { ProjectionRunner, ProjectionRunnerOptions } from './projection-runner.ts'
import type { Move } from './waiters.ts'

/** Names a collection among those of its projection. */
export type CollectionName = Pick<CollectionState, 'version' | 'generation'>
/** How two collections differ. */
export type Comparison = Awaited<ReturnType<ReadStore['compare']>>

/** What readers get at one time. */
export interface Serving {
  readonly name: CollectionName
  readonly runner: ProjectionRunner
}

/** The collection that readers get, and the way to show them another one. */
export interface Stage {
  readonly current: () => Serving
  readonly show: (next: Serving) => void
  readonly onMoved: ProjectionRunner['onMoved']
}

/** Puts the first collection on. */
export function createStage(first: Serving): Stage {
  const listeners = new Set<(move: Move) => void>()
  let current = first
  const announce = (move: Move): void => {
    for (const listener of listeners) listener(move)
  }
  let end = first.runner.onMoved(announce)
  return {
    current: () => current,
    show(next) {
      end()
      current = next
      end = next.runner.onMoved(announce)
      announce({ reached: undefined, keys: new Set() })
    },
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** Makes another collection live, also where the word that it happened is lost on its way. */
export async function switchOver(
  { readStore }: Pick<ProjectionRunnerOptions, 'readStore'>,
  pair: Parameters<ReadStore['switchLive']>[0],
  tag: string,
): Promise<void> {
  try {
    await readStore.switchLive(pair, tag)
  } catch (fault) {
    const { version, generation } = pair.other
    const live = (await readStore.collections(pair.log, pair.name)).find(({ isLive }) => isLive)
    if (live?.version !== version || live.generation !== generation) throw fault
  }
}

/** What is waited for, and how long: for ever unless said. */
interface Wait {
  readonly isThere: () => boolean
  readonly options: Pick<ProjectionRunnerOptions, 'runtime'>
  readonly withinMs?: number
}

/** Waits until something holds of a runner, or the time is over; false when the runner ended before. */
export async function untilMoved(
  runner: ProjectionRunner,
  { isThere, options: { runtime }, withinMs = Number.POSITIVE_INFINITY }: Wait,
): Promise<boolean> {
  const bell = createBell(runtime)
  const untilMs = runtime.elapsedMs() + withinMs
  const ended = new AbortController()
  const end = runner.onMoved(bell.ring)
  try {
    while (!isThere()) {
      if (runner.state().status !== 'running') return false
      const leftMs = untilMs - runtime.elapsedMs()
      if (leftMs <= 0) return true
      // oxlint-disable-next-line no-await-in-loop -- it is what this waits for
      await bell.wait(Math.min(1000, leftMs), ended.signal)
    }
    return true
  } finally {
    end()
  }
}
