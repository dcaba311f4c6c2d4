// Ten thousand accepted commands on one value are handled in the order in which their client sent them.
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, readLog, startServer, temporaryFolder, type Server } from './server.ts'

const commandCount = 10_000

// Order does not depend on the disk, and ten thousand waits for one would only take time.
const memory = '/dev/shm'
const folder = temporaryFolder(existsSync(memory) ? memory : tmpdir())
let server: Server
beforeAll(async () => {
  server = await startServer(folder.path)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder.remove()
})

/** The same small generator on every run, so that a failure can be seen again. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Update {
  readonly operation: 'ADD' | 'MULTIPLY'
  readonly value: number
}

/** Additions and multiplications by 2, 0.5 and -1 that keep the value in range, and what each comes to. */
function mixedUpdates(start: number): {
  readonly updates: readonly Update[]
  readonly results: readonly number[]
} {
  const random = createRandom(20_101_201)
  const updates: Update[] = []
  const results: number[] = []
  let current = start
  while (updates.length < commandCount) {
    const factor = [2, 0.5, -1][Math.floor(random() * 3)] ?? 0.5
    const kept = factor === 2 && Math.abs(current) > 1e12 ? 0.5 : factor
    const isAddition = random() < 0.5
    const value = isAddition ? Math.round(random() * 2000 - 1000) / 8 : kept
    updates.push({ operation: isAddition ? 'ADD' : 'MULTIPLY', value })
    current = isAddition ? current + value : current * value
    results.push(current)
  }
  return { updates, results }
}

test('ends where a sequential calculation ends, step by step', { timeout: 600_000 }, async () => {
  const created = await ask(`${server.base}/values`, {
    method: 'POST',
    body: { value: 1 },
    headers: { prefer: 'wait=10' },
  })
  const { value_id: id } = Object(created.body)
  const { updates, results } = mixedUpdates(1)
  for (const { operation, value } of updates) {
    const { status } = await ask(`${server.base}/values/${id}`, { method: 'PUT', body: { operation, value } })
    if (status !== 202) throw new Error(`The server answers ${status}.`)
  }
  const target = `${server.base}/values/${id}?v=${commandCount + 1}`
  const read = async () => (await ask(target, { headers: { prefer: 'wait=60' } })).body
  await expect
    .poll(read, { timeout: 300_000 })
    .toEqual({ value_id: id, value: results.at(-1), version: commandCount + 1 })
  const log = await readLog(server.base)
  const recorded = log.slice(1).map(({ version, data }) => ({ version, result: Object(data).result }))
  expect(recorded).toEqual(results.map((result, index) => ({ version: index + 2, result })))
})
