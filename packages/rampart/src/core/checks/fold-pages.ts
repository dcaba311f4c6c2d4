// Events as folds read them, made of whole records: for adapters to which the rest of a record costs little.
import type { EventRecord, FoldRecord } from '../ports/event-record.ts'
import type { LogPage } from '../ports/event-store.ts'

const decoder = new TextDecoder()

/** The same pages for folds. */
export async function* foldPages(pages: AsyncIterable<LogPage>): AsyncGenerator<LogPage<FoldRecord>> {
  for await (const { events, through } of pages) yield { events: events.map(foldRecord), through }
}

/** The same events of a stream for folds. */
export async function* foldStream(
  pages: AsyncIterable<readonly EventRecord[]>,
): AsyncGenerator<readonly FoldRecord[]> {
  for await (const events of pages) yield events.map(foldRecord)
}

/** An event as folds read it. */
export function foldRecord(record: EventRecord): FoldRecord {
  return {
    position: record.position,
    decider: record.decider,
    streamId: record.streamId,
    version: record.version,
    type: record.type,
    schemaVersion: record.schemaVersion,
    appendId: record.appendId,
    appendIndex: record.appendIndex,
    recordedAtMs: record.recordedAtMs,
    text: decoder.decode(record.payload),
  }
}
