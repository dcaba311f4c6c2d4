// Proves that the suites bite: a store that breaks one promise is caught by a rule of that number.
import { describe, expect, test } from 'vitest'
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type {
  AppendRequest,
  CommandInbox,
  EventRecord,
  EventStore,
  LogPage,
  MatchCondition,
  StreamWrite,
  WriteStore,
} from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { commandInboxContract, eventStoreContract, settableClock, type EventStoreHarness } from './index.ts'

/** Breaks one promise of a log. */
type Mutant = (log: EventStore) => Partial<EventStore>

const inboxCommandsMax = 20

function createHarness(mutant: Mutant, keep: Partial<WriteStore> = {}): EventStoreHarness {
  const clock = settableClock()
  const original = createMemoryStore({ runtime: clock.runtime, inboxCommandsMax })
  const store: WriteStore = {
    ...original,
    openLog: async (key) => {
      const log = await original.openLog(key)
      return { ...log, ...mutant(log) }
    },
    ...keep,
  }
  const reopen = async (): Promise<WriteStore> => createMemoryStore({ runtime: clock.runtime })
  const copy = async () => reopen
  return { store, reopen, copy, setClock: clock.set, inboxCommandsMax }
}

/** The rules of a promise (or all rules) that a store breaks. */
async function brokenRules(open: () => EventStoreHarness, promise = ''): Promise<readonly string[]> {
  const broken: string[] = []
  for (const rule of [...eventStoreContract, ...commandInboxContract]) {
    if (!rule.name.startsWith(promise)) continue
    await rule.check(open()).catch(() => broken.push(rule.name))
  }
  return broken
}

const changed = (request: AppendRequest, change: (write: StreamWrite) => StreamWrite): AppendRequest => ({
  ...request,
  writes: request.writes.map(change),
})

const mapped =
  (change: (record: EventRecord) => EventRecord): Mutant =>
  (log) => ({
    readLog: async function* (query): AsyncGenerator<LogPage> {
      for await (const page of log.readLog(query)) yield { ...page, events: page.events.map(change) }
    },
    readStream: async function* (query) {
      for await (const page of log.readStream(query)) yield page.map(change)
    },
  })

const conditioned =
  (change: (conditions: readonly MatchCondition[]) => readonly MatchCondition[]): Mutant =>
  (log) => ({
    append: ({ failIfMatch = [], ...request }) =>
      log.append({ ...request, failIfMatch: change(failIfMatch) }),
  })

const withFirstType = ({ types, ...one }: MatchCondition): MatchCondition =>
  types === undefined ? one : { ...one, types: types.slice(0, 1) }

async function isMatched(log: EventStore, condition: MatchCondition): Promise<boolean> {
  for await (const { events } of log.readLog(condition)) if (events.length > 0) return true
  return false
}

const withoutCommand = ({ command: _, ...request }: AppendRequest): AppendRequest => request
const withInbox =
  (change: (inbox: CommandInbox) => Partial<CommandInbox>): Mutant =>
  (log) => ({ inbox: { ...log.inbox, ...change(log.inbox) } })

async function* withoutSignal<Page>(read: AsyncIterable<Page>): AsyncGenerator<Page> {
  yield* read
}

const mutants: readonly (readonly [promise: string, what: string, mutant: Mutant])[] = [
  [
    'ES-1',
    'tears an append into one per stream',
    (log) => ({
      append: async (request) => {
        let result = await log.append({ ...request, writes: request.writes.slice(0, 1) })
        for (const write of request.writes.slice(1)) {
          if (result.status === 'appended') result = await log.append({ writes: [write] })
        }
        return result
      },
    }),
  ],
  [
    'ES-1',
    'fails neighbours of an append that fails',
    (log) => {
      let failed = false
      return {
        append: async (request) => {
          if (failed) throw new Error('A neighbour failed.')
          const result = await log.append(request)
          failed = result.status !== 'appended'
          return result
        },
      }
    },
  ],
  [
    'ES-2',
    'counts versions of all streams together',
    mapped((record) => ({ ...record, version: record.position as number as StreamVersion })),
  ],
  [
    'ES-3',
    'skips the check of writes without events',
    (log) => ({
      append: (request) =>
        log.append(
          changed(request, (write) =>
            write.events.length === 0 ? { ...write, expectedVersion: 'any' } : write,
          ),
        ),
    }),
  ],
  [
    'ES-3',
    'takes the version for the append that a write builds on',
    (log) => ({
      append: (request) => log.append(changed(request, ({ buildsOn: _, ...write }) => write)),
    }),
  ],
  [
    'ES-3',
    'answers a conflict with the expected version',
    (log) => ({
      append: async (request) => {
        const result = await log.append(request)
        return result.status === 'conflict' ? { ...result, actualVersion: 0 as StreamVersion } : result
      },
    }),
  ],
  [
    'ES-4',
    'lets every racer win',
    (log) => ({
      append: (request) => log.append(changed(request, (write) => ({ ...write, expectedVersion: 'any' }))),
    }),
  ],
  [
    'ES-5',
    'leaves gaps between positions',
    mapped((record) => ({ ...record, position: (record.position * 2) as Position })),
  ],
  [
    'ES-5',
    'says that it looked up to the last match only',
    (log) => ({
      readLog: async function* (query) {
        for await (const page of log.readLog(query)) {
          const position = page.events.at(-1)?.position ?? query.after
          yield { ...page, through: { ...page.through, position } }
        }
      },
    }),
  ],
  ['ES-5', 'tells nobody', () => ({ onAppended: () => () => undefined })],
  ['ES-6', 'takes no conditions', conditioned(() => [])],
  [
    'ES-6',
    'takes one of the tags for all',
    conditioned((all) => all.flatMap(({ tags, ...one }) => tags.map((tag) => ({ ...one, tags: [tag] })))),
  ],
  ['ES-6', 'takes every type', conditioned((all) => all.map(({ types: _, ...one }) => one))],
  ['ES-6', 'looks at one type only', conditioned((all) => all.map(withFirstType))],
  [
    'ES-6',
    'looks one event too far back',
    conditioned((all) =>
      all.map((one) => ({ ...one, after: Math.max(0, one.after - 1) as MatchCondition['after'] })),
    ),
  ],
  ['ES-6', 'checks one condition only', conditioned((all) => all.slice(0, 1))],
  [
    'ES-6',
    'checks before the append instead of within it',
    (log) => ({
      append: async ({ failIfMatch = [], ...request }) => {
        const matched = await Promise.all(failIfMatch.map((one) => isMatched(log, one)))
        const condition = matched.indexOf(true)
        return condition === -1 ? log.append(request) : { status: 'matched', condition }
      },
    }),
  ],
  [
    'ES-6',
    'checks appends with events only',
    (log) => ({
      append: ({ failIfMatch, ...request }) =>
        log.append(
          request.writes.some((write) => write.events.length > 0) && failIfMatch !== undefined
            ? { ...request, failIfMatch }
            : request,
        ),
    }),
  ],
  [
    'ES-6',
    'appends and then says that it did not',
    (log) => ({
      append: async (request) => {
        const result = await log.append(request)
        if (result.status === 'matched') await log.append({ writes: request.writes })
        return result
      },
    }),
  ],
  [
    'ES-7',
    'runs a repeated command again',
    (log) => ({ append: (request) => log.append(withoutCommand(request)) }),
  ],
  [
    'ES-7',
    'does not look at the fingerprint',
    (log) => ({
      append: ({ command, ...request }) =>
        log.append(
          command === undefined ? request : { ...request, command: { ...command, fingerprint: 'x' } },
        ),
    }),
  ],
  [
    'ES-7',
    'forgets commands that recorded nothing',
    (log) => ({
      append: (request) =>
        log.append(
          request.writes.every((write) => write.events.length === 0) ? withoutCommand(request) : request,
        ),
    }),
  ],
  [
    'ES-7',
    'never lets an outcome expire',
    (log) => ({
      append: ({ command, ...request }) =>
        log.append(
          command === undefined ? request : { ...request, command: { ...command, expiresAtMs: null } },
        ),
    }),
  ],
  [
    'ES-9',
    'keeps payloads as text',
    mapped((record) => ({
      ...record,
      payload: new TextEncoder().encode(new TextDecoder().decode(record.payload)),
    })),
  ],
  ['ES-9', 'forgets who did it', mapped((record) => ({ ...record, actor: null }))],
  [
    'ES-9',
    'normalises ids',
    mapped((record) => ({ ...record, streamId: record.streamId.normalize() as never })),
  ],
  [
    'ES-9',
    'ignores where a stream read ends',
    (log) => ({ readStream: ({ to: _, ...query }) => log.readStream(query) }),
  ],
  [
    'ES-9',
    'hands folds a stream in one order only',
    (log) => ({ readStreamToFold: ({ direction: _, ...query }) => log.readStreamToFold(query) }),
  ],
  [
    'ES-5',
    'hands folds what no type was asked for',
    (log) => ({ readToFold: ({ types: _, ...query }) => log.readToFold(query) }),
  ],
  [
    'ES-9',
    'cuts long texts for folds',
    (log) => ({
      async *readToFold(query) {
        for await (const { events, through } of log.readToFold(query)) {
          yield { events: events.map((one) => ({ ...one, text: one.text.slice(0, 8192) })), through }
        }
      },
    }),
  ],
  [
    'ES-10',
    'does not look at the signal of a fold',
    (log) => ({ readToFold: ({ signal: _, ...query }) => withoutSignal(log.readToFold(query)) }),
  ],
  [
    'ES-10',
    'does not look at the signal',
    (log) => ({
      readLog: ({ signal: _, ...query }) => withoutSignal(log.readLog(query)),
      readStream: ({ signal: _, ...query }) => withoutSignal(log.readStream(query)),
    }),
  ],
  ['ES-12', 'believes every place', () => ({ judge: async () => 'held' })],
  [
    'ES-12',
    'looks at positions only',
    (log) => ({
      judge: async (place) => (place.position <= (await log.head()).position ? 'held' : 'replaced'),
    }),
  ],
  [
    'ES-12',
    'looks at events and not at forks',
    (log) => ({ judge: async (place) => log.judge({ ...place, epoch: (await log.head()).epoch }) }),
  ],
  [
    'ES-12',
    'holds what its newest epoch began with only',
    (log) => ({
      judge: async (place) => (place.epoch === (await log.head()).epoch ? log.judge(place) : 'foreign'),
    }),
  ],
  ['ES-12', 'begins no epoch', () => ({ beginEpoch: async () => undefined })],
  ['ES-12', 'forgets the epochs before', (log) => ({ epochs: async () => (await log.epochs()).slice(-1) })],
  [
    'ES-13',
    'records the time as the clock has it',
    mapped((record) => ({ ...record, recordedAtMs: record.recordedAtMs - record.position })),
  ],
  [
    'ES-14',
    'records a type without a name',
    (log) => ({
      append: (request) =>
        log.append(
          changed(request, (write) => ({
            ...write,
            events: write.events.map((event) => ({ ...event, type: event.type || 'Nameless' })),
          })),
        ),
    }),
  ],
  [
    'IN-1',
    'loses what a command carries',
    withInbox((inbox) => ({ claim: async (request) => strip(inbox, request) })),
  ],
  ['IN-1', 'forgets causes', withInbox(() => ({ deadLetters: async () => [] }))],
  [
    'IN-2',
    'says that every command is new',
    withInbox((inbox) => ({
      accept: async (command) => {
        await inbox.accept(command)
        return { status: 'accepted' }
      },
    })),
  ],
  [
    'IN-3',
    'hands out the newest first',
    withInbox((inbox) => ({ claim: async (request) => (await inbox.claim(request)).toReversed() })),
  ],
  [
    'IN-3',
    'takes all owners for one',
    withInbox((inbox) => ({ claim: (request) => inbox.claim({ ...request, owner: 'everyone' }) })),
  ],
  ['IN-3', 'retries at once', withInbox((inbox) => ({ release: (ids) => inbox.release(ids, 0) }))],
  [
    'IN-4',
    'counts from nought',
    withInbox((inbox) => ({
      claim: async (request) =>
        (await inbox.claim(request)).map((command) => ({ ...command, attempts: command.attempts - 1 })),
    })),
  ],
  [
    'IN-4',
    'counts claims that were no attempts',
    withInbox((inbox) => ({
      release: (ids, retryAtMs, terms) => inbox.release(ids, retryAtMs, { ...terms, untried: 0 }),
    })),
  ],
  [
    'IN-5',
    'leaves finished commands in the inbox',
    (log) => ({ append: (request) => log.append(withoutCommand(request)) }),
  ],
  [
    'IN-6',
    'accepts beyond its bound',
    withInbox((inbox) => ({
      accept: async (command) => {
        const result = await inbox.accept(command)
        return result.status === 'full' ? { status: 'accepted' } : result
      },
    })),
  ],
  [
    'IN-7',
    'hands out all that waits',
    withInbox((inbox) => ({ claim: ({ bytesMax: _, ...request }) => inbox.claim(request) })),
  ],
]

async function strip(inbox: CommandInbox, request: Parameters<CommandInbox['claim']>[0]) {
  return (await inbox.claim(request)).map((command) => ({ ...command, data: null }))
}

describe('a store in memory that', () => {
  test('keeps all its promises breaks none of the rules that it can keep', async () => {
    const broken = await brokenRules(() => createHarness(() => ({})))
    const needy = [...eventStoreContract, ...commandInboxContract].filter(({ needs }) => needs === 'reopens')
    expect(broken).toEqual(needy.map((rule) => rule.name))
  })

  test.each(mutants)('breaks %s when it %s', async (promise, _, mutant) => {
    expect(await brokenRules(() => createHarness(mutant), `${promise} `)).not.toEqual([])
  })

  test('breaks ES-8 when it forgets everything', async () => {
    expect(await brokenRules(() => createHarness(() => ({})), 'ES-8 ')).toHaveLength(2)
  })

  test('breaks ES-11 when it goes on after its end', async () => {
    const open = (): EventStoreHarness =>
      createHarness(() => ({}), { [Symbol.asyncDispose]: () => Promise.resolve() })
    expect(await brokenRules(open, 'ES-11 ')).not.toEqual([])
  })
})
