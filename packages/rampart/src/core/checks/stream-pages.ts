// How a stream is read page by page, in either direction: which stretch comes next, and when it is over.
import type { StreamVersion } from '../identity.ts'
import type { EventRecord } from '../ports/event-record.ts'
import type { StreamQuery } from '../ports/event-store.ts'

/** A stretch of a stream; both versions inclusive. */
export interface StreamStretch {
  readonly lowest: number
  readonly highest: number
  readonly isForward: boolean
  readonly limit: number
}

/** Events of a stretch; `isWhole` is false when more of it is left. */
interface StreamPage<Event> {
  readonly events: readonly Event[]
  readonly isWhole: boolean
}

const pageSize = 1000

/** The pages that a query asks for; `read` is told which one is the first. */
export async function* streamPages<Event extends Pick<EventRecord, 'version'>>(
  { from, to, direction = 'forward', limit = Number.MAX_SAFE_INTEGER }: StreamQuery,
  read: (stretch: StreamStretch, isFirst: boolean) => Promise<StreamPage<Event>>,
): AsyncGenerator<readonly Event[]> {
  const isForward = direction === 'forward'
  const [first, last]: readonly (StreamVersion | undefined)[] = isForward ? [from, to] : [to, from]
  let [lowest, highest]: [number, number] = [first ?? 1, last ?? Number.MAX_SAFE_INTEGER]
  let left = limit
  for (let isFirst = true; left > 0; isFirst = false) {
    const stretch = { lowest, highest, isForward, limit: Math.min(left, pageSize) }
    const { events, isWhole } = await read(stretch, isFirst)
    const end = events.at(-1)
    if (end === undefined) return
    yield events
    if (isWhole) return
    left -= events.length
    if (isForward) lowest = end.version + 1
    else highest = end.version - 1
  }
}
