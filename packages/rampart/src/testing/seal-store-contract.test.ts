// Proves that the suite of seals bites: a store that breaks one promise is caught by a rule of that number.
import { describe, expect, test } from 'vitest'
import { position } from '../core/codec/index.ts'
import type { WriteStore } from '../core/ports/index.ts'
import type { Seal, SealRange, SealStore } from '../core/seals/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { sealStoreContract, settableClock, type EventStoreHarness } from './index.ts'

type Mutant = (seals: SealStore) => Partial<SealStore>

function createHarness(mutant: Mutant): EventStoreHarness {
  const { runtime, set } = settableClock()
  const original = createMemoryStore({ runtime })
  const openLog: WriteStore['openLog'] = async (key) => {
    const log = await original.openLog(key)
    return { ...log, seals: { ...log.seals, ...mutant(log.seals) } }
  }
  const reopen = async (): Promise<WriteStore> => createMemoryStore({ runtime })
  const copy = async () => reopen
  return { store: { ...original, openLog }, reopen, copy, setClock: set, inboxCommandsMax: 20 }
}

async function brokenRules(mutant: Mutant, promise = ''): Promise<readonly string[]> {
  const broken: string[] = []
  for (const rule of sealStoreContract) {
    if (!rule.name.startsWith(promise)) continue
    await rule.check(createHarness(mutant)).catch(() => broken.push(rule.name))
  }
  return broken
}

const ranged =
  (change: (range: SealRange) => SealRange | undefined): Mutant =>
  (seals) => ({
    rangeAfter: async (after) => {
      const range = await seals.rangeAfter(after)
      return range && change(range)
    },
  })

const listed =
  (change: (all: readonly Seal[]) => readonly Seal[]): Mutant =>
  (seals) => ({ list: async (after, limit) => change(await seals.list(after, limit)) })

/** Keeps seals in a list of its own, as a store would that checks nothing. */
const unchecked =
  (keep: (kept: readonly Seal[], given: readonly Seal[]) => readonly Seal[]): Mutant =>
  () => {
    let kept: readonly Seal[] = []
    return {
      append: async (given) => void (kept = keep(kept, given)),
      last: async () => kept.at(-1),
      list: async (after, limit) => kept.filter(({ number }) => number > after).slice(0, limit),
    }
  }

const others: Seal[] = []

const mutants: readonly (readonly [promise: string, what: string, mutant: Mutant])[] = [
  ['SE-1', 'ends each range one too early', ranged((r) => ({ ...r, last: position(r.last - 1) }))],
  ['SE-1', 'has no more than one range', (seals) => ({ rangeAfter: () => seals.rangeAfter(position(0)) })],
  ['SE-1', 'takes whatever is given', unchecked((kept, given) => [...kept, ...given])],
  ['SE-2', 'takes whatever is given', unchecked((kept, given) => [...kept, ...given])],
  [
    'SE-2',
    'stores seals one by one',
    (seals) => ({
      append: async (given) => {
        for (const seal of given) await seals.append([seal])
      },
    }),
  ],
  ['SE-3', 'puts a constant for the root', ranged((range) => ({ ...range, root: '0'.repeat(64) }))],
  ['SE-3', 'mixes up the marks', ranged((range) => ({ ...range, marks: range.marks.toUpperCase() }))],
  ['SE-4', 'lists the newest first', listed((all) => all.toReversed())],
  ['SE-4', 'forgets when it was sealed', listed((all) => all.map((one) => ({ ...one, sealedAtMs: 0 })))],
  [
    'SE-4',
    'keeps one chain for all logs',
    (seals) => ({
      append: async (given) => {
        await seals.append(given)
        others.push(...given)
      },
      list: async () => others,
    }),
  ],
]

describe('a store in memory that', () => {
  test('keeps all its promises breaks none of the rules that it can keep', async () => {
    const needy = sealStoreContract.filter((rule) => rule.needs !== undefined)
    expect(await brokenRules(() => ({}))).toEqual(needy.map((rule) => rule.name))
  })

  test.each(mutants)('breaks %s when it %s', async (promise, _, mutant) => {
    expect(await brokenRules(mutant, `${promise} `)).not.toEqual([])
  })
})
