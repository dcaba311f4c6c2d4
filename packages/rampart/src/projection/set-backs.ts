// What a build takes from readers, or from what operators decided, whatever its documents say: keys that it
// alone sets aside, and events that were skipped and that it folds, or fails on, again.
import type { DocumentCollection } from '../core/ports/index.ts'

/** An event that an operator left out. */
export type Skipped = Awaited<ReturnType<DocumentCollection['skipped']>>[number]

type Looked = Pick<DocumentCollection, 'quarantined' | 'skipped'>

/** What readers and operators would lose. */
export interface SetBacks {
  /** Keys that stand still in the build and not in the live documents. */
  readonly setAside: ReadonlySet<string>
  /** What was skipped in the live documents and not in the build, newest first. */
  readonly undone: readonly Skipped[]
}

const skippedMax = 1000

/** Looks what a build would set back if it took the place of the live documents. */
export async function setBacksOf(live: Looked, build: Looked): Promise<SetBacks> {
  const still = new Set((await live.quarantined()).map(({ key }) => key))
  const setAside = (await build.quarantined()).map(({ key }) => key).filter((key) => !still.has(key))
  const skipped = new Set((await build.skipped(skippedMax)).map(nameOf))
  const undone = (await live.skipped(skippedMax)).filter((one) => !skipped.has(nameOf(one)))
  return { setAside: new Set(setAside), undone }
}

function nameOf({ key, event }: Skipped): string {
  return `${event.position} ${key}`
}

/** The keys of what operators skipped and the build does not. */
export function keysOf({ undone }: SetBacks): readonly string[] {
  return [...new Set(undone.map(({ key }) => key))]
}
