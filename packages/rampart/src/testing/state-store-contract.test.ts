// Proves that the suite of stored states bites: a store that breaks one promise is caught by a rule of that
// number.
import { describe, expect, test } from 'vitest'
import type { StreamVersion } from '../core/codec/index.ts'
import type { EventStore, StoredState, WriteStore } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { settableClock, stateStoreContract, type EventStoreHarness } from './index.ts'

type Mutant = (log: EventStore) => Partial<EventStore>

function createHarness(mutant: Mutant): EventStoreHarness {
  const { runtime, set } = settableClock()
  const original = createMemoryStore({ runtime })
  const openLog: WriteStore['openLog'] = async (key) => {
    const log = await original.openLog(key)
    return { ...log, ...mutant(log) }
  }
  const reopen = async (): Promise<WriteStore> => createMemoryStore({ runtime })
  const copy = async () => reopen
  return { store: { ...original, openLog }, reopen, copy, setClock: set, inboxCommandsMax: 20 }
}

async function brokenRules(mutant: Mutant, promise = ''): Promise<readonly string[]> {
  const broken: string[] = []
  for (const rule of stateStoreContract) {
    if (!rule.name.startsWith(promise)) continue
    await rule.check(createHarness(mutant)).catch(() => broken.push(rule.name))
  }
  return broken
}

const seen =
  (change: (state: StoredState) => StoredState | undefined): Mutant =>
  (log) => ({
    loadState: async (decider, id) => {
      const state = await log.loadState(decider, id)
      return state && change(state)
    },
  })

/** Keeps states beside the log, as a store would that has them in another database. */
const beside =
  (fault: 'unasked' | 'with events' | 'early' | 'mixed'): Mutant =>
  (log) => {
    const states = new Map<string, StoredState>()
    const keyOf = (decider: string, id: string) => (fault === 'mixed' ? id : `${decider} ${id}`)
    return {
      append: async (request) => {
        for (const { decider, id, expectedVersion, events, state } of request.writes) {
          if (state === undefined || (fault === 'with events' && events.length === 0)) continue
          const before = typeof expectedVersion === 'number' ? expectedVersion : 0
          states.set(keyOf(decider, id), { ...state, version: (before + events.length) as StreamVersion })
        }
        if (fault === 'early') await new Promise<void>((resolve) => setImmediate(resolve))
        return log.append(request)
      },
      loadState: async (decider, id) => states.get(keyOf(decider, id)),
    }
  }

const mutants: readonly (readonly [promise: string, what: string, mutant: Mutant])[] = [
  ['SS-1', 'stores the state before it knows what the append comes to', beside('unasked')],
  ['SS-1', 'stores states with events only', beside('with events')],
  ['SS-1', 'forgets states', seen(() => undefined)],
  [
    'SS-2',
    'gives a state the version of the moment it is read',
    (log) => ({
      loadState: async (decider, id) => {
        const state = await log.loadState(decider, id)
        if (state === undefined) return undefined
        let version: number = state.version
        for await (const page of log.readStream({ decider, id })) version = page.at(-1)?.version ?? version
        return { ...state, version: version as StreamVersion }
      },
    }),
  ],
  ['SS-2', 'shows a state before its events', beside('early')],
  [
    'SS-3',
    'keeps the first state',
    (log) => {
      const first = new Map<string, StoredState | undefined>()
      return {
        append: async (request) => {
          const result = await log.append(request)
          for (const { decider, id } of request.writes) {
            const key = `${decider} ${id}`
            if (!first.has(key)) first.set(key, await log.loadState(decider, id))
          }
          return result
        },
        loadState: async (decider, id) => first.get(`${decider} ${id}`),
      }
    },
  ],
  ['SS-3', 'takes all deciders for one', beside('mixed')],
  ['SS-4', 'parses and writes the text', seen((s) => ({ ...s, text: JSON.stringify(JSON.parse(s.text)) }))],
  ['SS-4', 'forgets the digest', seen((state) => ({ ...state, digest: '' }))],
  [
    'SS-6',
    'drops states that it cannot take',
    (log) => ({
      append: (request) => log.append(request).catch(() => log.append({ writes: request.writes.map(bare) })),
    }),
  ],
]

function bare<T extends { readonly state?: unknown }>({ state: _, ...write }: T): Omit<T, 'state'> {
  return write
}

describe('a store in memory that', () => {
  test('keeps all its promises breaks none of the rules that it can keep', async () => {
    const needy = stateStoreContract.filter((rule) => rule.needs !== undefined)
    expect(await brokenRules(() => ({}))).toEqual(needy.map((rule) => rule.name))
  })

  test.each(mutants)('breaks %s when it %s', async (promise, _, mutant) => {
    expect(await brokenRules(mutant, `${promise} `)).not.toEqual([])
  })

  test('breaks SS-5 when it forgets everything', async () => {
    expect(await brokenRules(() => ({}), 'SS-5 ')).toHaveLength(1)
  })
})
