// Proves that the memory which states take follows what they hold, and has a bound.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { streamId, type DeciderDefinition } from '../core/codec/index.ts'
import { decider, events, state } from '../core/index.ts'
import { logKey } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { initialState } from './fold.ts'
import { createRepository, type Repository } from './repository.ts'

const noteEvents = events('note', {
  Written: { version: 1, schema: z.strictObject({ text: z.string() }) },
})

/** Keeps so many of the texts written last. */
function keeping(texts: number): DeciderDefinition {
  return decider(noteEvents, {
    state: state(1, () => ({ texts: [] as readonly string[] })),
    evolve: { Written: (before, { text }) => ({ texts: [...before.texts, text].slice(-texts) }) },
    commands: {},
  }).definition
}

const [first, second] = [streamId('n1'), streamId('n2')]

/** Folds 100 events of 1,000 bytes into each of two streams by turns, with memory for 40,000 bytes. */
async function fill(definition: DeciderDefinition): Promise<Repository> {
  const store = await createMemoryStore().openLog(logKey('notes'))
  const limits = { states: 10, weight: 40_000 }
  const repository = createRepository({ definition, store, kind: { snapshotEvery: 0 }, limits })
  const event = { type: 'Written', data: { text: 'x'.repeat(1000) }, payloadBytes: 1000 }
  const states = new Map([first, second].map((id) => [id, initialState(definition)]))
  for (let round = 0; round < 100; round++) {
    for (const [id, before] of states) {
      const after = repository.advance(before, [event])
      states.set(id, after)
      repository.remember(id, after)
    }
  }
  return repository
}

test('a state that does not grow stays in memory, however many events were folded into it', async () => {
  const repository = await fill(keeping(2))
  expect(repository.cached(first)?.version).toBe(100)
  expect(repository.cached(second)?.version).toBe(100)
})

test('a state that gathers what its events bring is weighed by all of it', async () => {
  const repository = await fill(keeping(1000))
  expect(repository.cached(first)).toBeUndefined()
  expect(repository.cached(second)).toBeUndefined()
})
