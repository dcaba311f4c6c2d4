// Proves the store in memory by the conformance suites; what it declares absent is really absent.
import { describe, expect, test } from 'vitest'
import {
  commandInboxContract,
  documentStoreContract,
  eventStoreContract,
  sealStoreContract,
  settableClock,
  stateStoreContract,
  type EventStoreHarness,
} from '../testing/index.ts'
import { createMemoryStore } from './index.ts'

const inboxCommandsMax = 20

function createHarness(): EventStoreHarness {
  const clock = settableClock()
  return {
    store: createMemoryStore({ runtime: clock.runtime, inboxCommandsMax }),
    reopen: () => Promise.reject(new Error('A store in memory forgets everything.')),
    copy: () => Promise.reject(new Error('A store in memory has no file that could be copied.')),
    setClock: clock.set,
    inboxCommandsMax,
  }
}

const contract = [
  ...eventStoreContract,
  ...stateStoreContract,
  ...sealStoreContract,
  ...documentStoreContract,
  ...commandInboxContract,
]
const kept = contract.filter(({ needs }) => needs !== 'reopens')
const leftOut = contract.filter(({ needs }) => needs === 'reopens')

describe('the store in memory', () => {
  test.each(kept)('$name', async ({ check }) => {
    await expect(check(createHarness())).resolves.toBeUndefined()
  })

  test.each(leftOut)('declares absent what is left out: $needs ($name)', async ({ needs }) => {
    const log = await createHarness().store.openLog('default/shop/0')
    expect(log.capabilities).toMatchObject({ [String(needs)]: false })
  })
})
