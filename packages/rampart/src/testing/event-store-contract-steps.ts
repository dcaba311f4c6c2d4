// Steps that the rules of the event store and of the inbox share: what to append, and how to look at a log.
import { commandId, position, streamId, streamVersion, type CommandId } from '../core/codec/index.ts'
import type { Json } from '../core/index.ts'
import type {
  AppendRequest,
  AppendResult,
  CommandClaim,
  EventRecord,
  EventStore,
  LogPage,
  LogQuery,
  NewEvent,
  StreamQuery,
  StreamWrite,
  WriteStore,
} from '../core/ports/index.ts'
import type { ContractRule } from './contract.ts'
import { expectSame } from './expect.ts'

/** How a rule gets at the adapter. */
export interface EventStoreHarness {
  /** An open store without logs. Its runtime is that of a `settableClock`. */
  readonly store: WriteStore
  /** Closes the store and opens what it kept; needs the capability `reopens`. */
  readonly reopen: () => Promise<WriteStore>
  /**
   * Copies what the store keeps; the answer closes the store and opens that copy in its place, as somebody
   * would who puts an old file back. Needs the capability `reopens`.
   */
  readonly copy: () => Promise<() => Promise<WriteStore>>
  /** Sets the clock of the store. */
  readonly setClock: (nowMs: number) => void
  /** How many commands the store was told to keep waiting per log; 20 or more. */
  readonly inboxCommandsMax: number
}

/** A rule of the suites of the write store. */
export type WriteRule = ContractRule<EventStoreHarness>

/** The log that most rules use. */
export const shopLog = 'default/shop/0'

/** Opens the log that most rules use. */
export function openShop({ store }: Pick<EventStoreHarness, 'store'>): Promise<EventStore> {
  return store.openLog(shopLog)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** An event with a text as its payload. */
export function event(text: string, more: Partial<NewEvent> = {}): NewEvent {
  return { type: 'Noted', schemaVersion: 1, payload: encoder.encode(text), ...more }
}

/** A write to a stream of the decider `note`. */
export function write(
  id: string,
  expected: number | 'none' | 'any',
  events: readonly NewEvent[] = [event(id)],
): StreamWrite {
  const expectedVersion: StreamWrite['expectedVersion'] =
    typeof expected === 'number' ? streamVersion(expected) : expected
  return { decider: 'note', id: streamId(id), expectedVersion, events }
}

/** A command id that tells its number. */
export function commandNumber(number: number): CommandId {
  return commandId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)
}

/** The claim of the command with a number. */
export function claim(number: number, outcome: Json = null, more: Partial<CommandClaim> = {}): CommandClaim {
  return { id: commandNumber(number), fingerprint: 'print-1', outcome, expiresAtMs: null, ...more }
}

/** Appends, and returns what came of it if it was appended. */
export async function appended(
  log: EventStore,
  request: AppendRequest,
): Promise<Extract<AppendResult, { status: 'appended' }>> {
  const result = await log.append(request)
  if (result.status === 'appended') return result
  throw new Error(`expected an append to succeed, but it came to ${JSON.stringify(result)}`)
}

/** Appends one event to a stream at any version. */
export function appendOne(log: EventStore, id: string, text = id): ReturnType<typeof appended> {
  return appended(log, { writes: [write(id, 'any', [event(text)])] })
}

/** All pages of a log. */
export async function logPages(log: EventStore, query: Partial<LogQuery> = {}): Promise<readonly LogPage[]> {
  const pages: LogPage[] = []
  for await (const page of log.readLog({ after: position(0), ...query })) pages.push(page)
  return pages
}

/** All events of a log. */
export async function logEvents(
  log: EventStore,
  query: Partial<LogQuery> = {},
): Promise<readonly EventRecord[]> {
  return (await logPages(log, query)).flatMap((page) => page.events)
}

/** All events of a stream. */
export async function streamEvents(
  log: EventStore,
  id: string,
  query: Partial<StreamQuery> = {},
): Promise<readonly EventRecord[]> {
  const pages: (readonly EventRecord[])[] = []
  for await (const page of log.readStream({ decider: 'note', id: streamId(id), ...query })) pages.push(page)
  return pages.flat()
}

/** The texts of events. */
export function texts(events: readonly EventRecord[]): readonly string[] {
  return events.map((one) => decoder.decode(one.payload))
}

/** Throws unless the log holds these texts at positions 1, 2, 3 …, each once and in this order. */
export async function expectLog(log: EventStore, expected: readonly string[]): Promise<void> {
  const events = await logEvents(log)
  expectSame('the texts of the log', texts(events), expected)
  expectContiguous(events)
  expectSame('the head', (await log.head()).position, expected.length)
}

/** Throws unless positions are 1, 2, 3 … and versions of each stream are 1, 2, 3 …. */
export function expectContiguous(events: readonly EventRecord[]): void {
  const versions = new Map<string, number>()
  for (const [index, one] of events.entries()) {
    const stream = `${one.decider} ${one.streamId}`
    const version = (versions.get(stream) ?? 0) + 1
    versions.set(stream, version)
    expectSame(`the position of event ${index + 1}`, one.position, index + 1)
    expectSame(`the version of event ${index + 1}, of ${stream}`, one.version, version)
  }
}

/** The numbers from 1 to `count`. */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

/** How many results have each status. */
export function countStatuses(results: readonly { readonly status: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
