// Proves that the suite of kept documents bites: a store that breaks one promise is caught by a rule of that
// number.
import { describe, expect, test } from 'vitest'
import { position } from '../core/codec/index.ts'
import type { DocumentWrite, EventStore, KeptCollection, WriteStore } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { documentStoreContract, settableClock, type EventStoreHarness } from './index.ts'

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
  for (const rule of documentStoreContract) {
    if (!rule.name.startsWith(promise)) continue
    await rule.check(createHarness(mutant)).catch(() => broken.push(rule.name))
  }
  return broken
}

const seen =
  (change: (collection: KeptCollection) => Partial<KeptCollection>): Mutant =>
  (log) => ({
    openDocuments: async (shape) => {
      const collection = await log.openDocuments(shape)
      return { ...collection, ...change(collection) }
    },
  })

/** Writes over documents whatever they are by now, as far as `isBlind` says. */
const blind =
  (isBlind: (write: DocumentWrite) => boolean): Mutant =>
  (log) => {
    const opened = new Map<number, KeptCollection>()
    const onTop = async ({ buildsOn: _, ...write }: DocumentWrite): Promise<DocumentWrite> => {
      const { document } = (await opened.get(write.collection)?.get(write.key)) ?? {}
      return { ...write, expectedPosition: document?.position ?? position(0) }
    }
    return {
      openDocuments: async (shape) => {
        const collection = await log.openDocuments(shape)
        opened.set(collection.number, collection)
        return collection
      },
      append: async (request) => {
        const result = await log.append(request)
        const { documents = [] } = request
        if (result.status !== 'outdated' || !documents.every(isBlind)) return result
        return log.append({ ...request, documents: await Promise.all(documents.map(onTop)) })
      },
    }
  }

const mutants: readonly (readonly [promise: string, what: string, mutant: Mutant])[] = [
  [
    'DS-1',
    'forgets the documents of an append',
    (log) => ({
      append: (request) =>
        log.append(request.documents === undefined ? request : { ...request, documents: [] }),
    }),
  ],
  [
    'DS-1',
    'stores the documents of a repeated command',
    (log) => ({
      append: async (request) => {
        const result = await log.append(request)
        const { writes, documents } = request
        if (result.status === 'repeated' && documents !== undefined) {
          const anyway = writes.map((write) => ({ ...write, expectedVersion: 'any' as const }))
          await log.append({ writes: anyway, documents })
        }
        return result
      },
    }),
  ],
  ['DS-2', 'writes over any document', blind(() => true)],
  [
    'DS-2',
    'takes any document for the one that a write builds on',
    blind((write) => write.buildsOn !== undefined),
  ],
  [
    'DS-2',
    'knows no appends in flight',
    (log) => ({
      append: ({ ticket: _, ...request }) => log.append(request),
    }),
  ],
  [
    'DS-3',
    'tells the head of the moment before',
    seen((collection) => {
      let before = position(0)
      return {
        get: async (key) => {
          const found = await collection.get(key)
          const checkpoint = { ...found.checkpoint, position: before }
          before = found.checkpoint.position
          return { ...found, checkpoint }
        },
      }
    }),
  ],
  [
    'DS-4',
    'takes silence for no documents',
    (log) => ({ append: (request) => log.append({ documents: [], ...request }) }),
  ],
  ['DS-5', 'keeps what is not built', seen(() => ({ keep: async () => {} }))],
  [
    'DS-5',
    'builds from anywhere',
    seen((collection) => ({
      commit: async (request) => collection.commit({ ...request, from: await collection.checkpoint() }),
    })),
  ],
  [
    'DS-5',
    'has one version for ever',
    (log) => ({ openDocuments: (shape) => log.openDocuments({ ...shape, version: 1 }) }),
  ],
  [
    'DS-6',
    'tells of changes later',
    seen((collection) => ({
      onChanged: (callback) => collection.onChanged((change) => void setImmediate(() => callback(change))),
    })),
  ],
  [
    'DS-6',
    'does not say which documents changed',
    seen((collection) => ({
      onChanged: (callback) => collection.onChanged(({ place }) => callback({ place, keys: new Set() })),
    })),
  ],
  [
    'DS-8',
    'finds by anything',
    seen(({ page }) => ({ page: (query) => page({ ...query, where: [], search: null }) })),
  ],
  [
    'DS-8',
    'orders keys by UTF-16',
    seen(({ page }) => ({
      page: async (query) => {
        const found = await page(query)
        return { ...found, documents: found.documents.toSorted((a, b) => (a.key < b.key ? -1 : 1)) }
      },
    })),
  ],
  [
    'DS-8',
    'lists without a bound in bytes',
    seen(({ page }) => ({ page: (query) => page({ ...query, bytesMax: Number.MAX_SAFE_INTEGER }) })),
  ],
  [
    'DS-9',
    'drops documents that it cannot take',
    (log) => ({
      append: (request) => log.append(request).catch(() => log.append({ ...request, documents: [] })),
    }),
  ],
]

describe('a store in memory that', () => {
  test('keeps all its promises breaks none of the rules that it can keep', async () => {
    const needy = documentStoreContract.filter((rule) => rule.needs !== undefined)
    expect(await brokenRules(() => ({}))).toEqual(needy.map((rule) => rule.name))
  })

  test.each(mutants)('breaks %s when it %s', async (promise, _, mutant) => {
    expect(await brokenRules(mutant, `${promise} `)).not.toEqual([])
  })

  test('breaks DS-7 when it forgets everything', async () => {
    expect(await brokenRules(() => ({}), 'DS-7 ')).toHaveLength(1)
  })
})
