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

/** Most events of a page of a stream. */
export const pageEventsMax = 1000

/**
 * The pages that a query asks for; `read` gives a stretch in one page or in several, and is told which one is
 * the first.
 */
export async function* streamPages<Event extends Pick<EventRecord, 'version'>>(
  { from, to, direction = 'forward', limit = Number.MAX_SAFE_INTEGER }: StreamQuery,
  read: (stretch: StreamStretch, isFirst: boolean) => AsyncIterable<StreamPage<Event>>,
): AsyncGenerator<readonly Event[]> {
  const isForward = direction === 'forward'
  const [first, last]: readonly (StreamVersion | undefined)[] = isForward ? [from, to] : [to, from]
  let [lowest, highest]: [number, number] = [first ?? 1, last ?? Number.MAX_SAFE_INTEGER]
  let left = limit
  for (let isFirst = true; left > 0; isFirst = false) {
    let end: Event | undefined
    const stretch = { lowest, highest, isForward, limit: Math.min(left, pageEventsMax) }
    for await (const { events, isWhole } of read(stretch, isFirst)) {
      if (events.length > 0) yield events
      if (isWhole) return
      left -= events.length
      end = events.at(-1)
    }
    if (end === undefined) return
    if (isForward) lowest = end.version + 1
    else highest = end.version - 1
  }
}
