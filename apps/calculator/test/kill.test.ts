// The calculator is killed in the middle of floods of commands, again and again, and nothing goes wrong.
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Json } from 'rampart'
import { afterAll, expect, test } from 'vitest'
import { values } from '../src/value/projections.ts'
import { ask, readLog, readModel, startServer, temporaryFolder, until } from './server.ts'

// `npm run test:faults` takes more of the same.
const roundCount = process.env['FAULTS'] === 'all' ? 20 : 8
const senderCount = 16

const folder = temporaryFolder()
afterAll(() => folder.remove())

/** A command that was sent, with its first answer once there was one. */
interface Sent {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly body: Json
  readonly key: string
  readonly prefer: 'respond-async' | 'wait=10'
  answer?: { readonly status: number; readonly body: Json }
  /** Its final status as it was first seen. */
  outcome?: Json
}

/** Sends until the server is gone; what got no answer stays without one. */
async function flood(base: string, ids: readonly string[], sent: Sent[]): Promise<void> {
  for (let count = 0; ; count += 1) {
    const id = ids[(sent.length * 7) % ids.length] ?? ''
    // Every eleventh update is of a value that does not exist, and every seventh command creates one.
    const path = count % 11 === 10 ? `/values/${randomUUID()}` : `/values/${id}`
    const update = { operation: count % 3 === 0 ? 'MULTIPLY' : 'ADD', value: count % 3 === 0 ? -1 : count }
    const isCreation = count % 7 === 6
    const command: Sent = {
      method: isCreation ? 'POST' : 'PUT',
      path: isCreation ? '/values' : path,
      body: isCreation ? { value: count } : update,
      key: randomUUID(),
      prefer: count % 2 === 0 ? 'respond-async' : 'wait=10',
    }
    sent.push(command)
    if (!(await send(base, command))) return
  }
}

/** Sends a command once more or for the first time; false when there was no answer. */
async function send(base: string, command: Sent): Promise<boolean> {
  const { method, path, body, key, prefer } = command
  const headers = { 'idempotency-key': key, prefer }
  try {
    const { status, body: answer } = await ask(`${base}${path}`, { method, body, headers })
    command.answer ??= { status, body: answer }
    expect({ status, body: answer }, `${method} ${path} once more`).toEqual(command.answer)
    return true
  } catch (fault) {
    if (fault instanceof TypeError) return false
    throw fault
  }
}

async function retryAll(base: string, sent: readonly Sent[]): Promise<void> {
  const waiting = [...sent]
  const retryNext = async (): Promise<void> => {
    for (let command = waiting.pop(); command !== undefined; command = waiting.pop())
      expect(await send(base, command)).toBe(true)
  }
  await Promise.all(Array.from({ length: senderCount }, retryNext))
}

/** Sees to it that each answered command has an outcome, and the same one as before. */
async function checkOutcomes(base: string, sent: readonly Sent[]): Promise<void> {
  for (const command of sent) {
    if (command.answer === undefined) continue
    const id: string = Object(command.answer.body).command_id
    let outcome: Json = null
    await until(async () => {
      outcome = (await ask(`${base}/commands/${id}`)).body
      return Object(outcome).status !== 'received'
    })
    command.outcome ??= outcome
    expect(outcome).toEqual(command.outcome)
  }
}

test(`loses and doubles nothing in ${roundCount} kills`, async () => {
  const sent: Sent[] = []
  const ids: string[] = []
  for (let round = 0; round < roundCount; round += 1) {
    await using server = await startServer(folder.path)
    const last = sent.slice(-200)
    // Before any retry: what was acknowledged before the kill must be known without being sent again.
    await checkOutcomes(server.base, last)
    await retryAll(server.base, last)
    if (ids.length === 0) ids.push(...(await createValues(server.base, 10)))
    const floods = Array.from({ length: senderCount }, () => flood(server.base, ids, sent))
    await setTimeout(40 + ((round * 37) % 120))
    await server.end('SIGKILL')
    await Promise.all(floods)
  }
  await using server = await startServer(folder.path)
  await checkOutcomes(server.base, sent)
  await retryAll(server.base, sent)
  await checkOutcomes(server.base, sent)
  const outcomes = sent.map(({ outcome }) => Object(outcome))
  expect(outcomes.every(({ status }) => status === 'succeeded' || status === 'refused')).toBe(true)
  const log = await readLog(server.base)
  expect(log.map(({ position }) => position)).toEqual(log.map((_, index) => index + 1))
  for (const events of Map.groupBy(log, ({ id }) => id).values())
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1))
  const positionsByCause = Map.groupBy(log, ({ causationId }) => causationId)
  const recorded = outcomes.map(({ commandId }) =>
    positionsByCause.get(commandId)?.map(({ position }) => position),
  )
  expect(recorded).toEqual(
    outcomes.map(({ status, position }) => (status === 'succeeded' ? [position] : undefined)),
  )
  expect(log).toHaveLength(ids.length + recorded.filter((positions) => positions !== undefined).length)
  expect(await readModel(server.base, 'values')).toEqual(foldFromNothing(log))
})

async function createValues(base: string, count: number): Promise<readonly string[]> {
  const created = Array.from({ length: count }, () =>
    ask(`${base}/values`, { method: 'POST', body: { value: 1 }, headers: { prefer: 'wait=10' } }),
  )
  return (await Promise.all(created)).map(({ body }) => Object(body).value_id)
}

function foldFromNothing(log: Awaited<ReturnType<typeof readLog>>): ReadonlyMap<string, Json> {
  const documents = new Map<string, Json>()
  for (const event of log) {
    const before = Object(documents.get(event.id)).data ?? values.initial
    documents.set(event.id, {
      data: values.on[event.type]?.(before, event, event.id),
      version: event.version,
    })
  }
  return documents
}
