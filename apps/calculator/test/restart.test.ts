// What the calculator still knows after it was killed, after its read models were wiped, and how little it
// reads again.
import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Json } from 'rampart'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, readLog, readModel, startServer, temporaryFolder, type Server } from './server.ts'

const folder = temporaryFolder()
const readStore = join(folder.path, 'calculator', 'reads.sqlite')
const wait = { prefer: 'wait=10' }
const ids: string[] = []
let documents: ReadonlyMap<string, Json>
let log: Awaited<ReturnType<typeof readLog>>

/** A thousand commands, refused ones among them, and the server killed right after the last answer. */
beforeAll(async () => {
  await using server = await startServer(folder.path)
  for (let index = 0; index < 20; index += 1) ids.push(await create(server, index))
  const senders = ids.map(async (id, sender) => {
    for (let index = 0; index < 49; index += 1) {
      const operation = (index + sender) % 3 === 0 ? 'MULTIPLY' : 'ADD'
      const target = index % 10 === 9 ? randomUUID() : id
      await update(server, target, { operation, value: (index % 5) - 2 })
    }
  })
  await Promise.all(senders)
  documents = await readModel(server.base, 'values')
  log = await readLog(server.base)
  await server.end('SIGKILL')
})
afterAll(() => folder.remove())

async function create({ base }: Server, value: number): Promise<string> {
  const answer = await ask(`${base}/values`, { method: 'POST', body: { value }, headers: wait })
  return Object(answer.body).value_id
}

async function update({ base }: Server, id: string, body: Json): Promise<Json> {
  const answer = await ask(`${base}/values/${id}`, { method: 'PUT', body, headers: wait })
  return { status: answer.status, code: Object(answer.body).code ?? null }
}

function wipeReadModels(): void {
  const names = readdirSync(join(folder.path, 'calculator')).filter((name) => name.startsWith('reads.sqlite'))
  expect(names).toContain('reads.sqlite')
  for (const name of names) rmSync(join(folder.path, 'calculator', name))
}

/** Writes a mark into every stored document; returns how many there are. */
function markDocuments(): number {
  using database = new DatabaseSync(readStore)
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const marked = tables.map(({ name }) => {
    const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(String(name))
    if (!['key', 'data'].every((needed) => columns.some((column) => column['name'] === needed))) return 0
    const statement = `UPDATE "${String(name)}" SET data = '{"value":-1}'`
    return Number(database.prepare(statement).run().changes)
  })
  return marked.reduce((sum, count) => sum + count, 0)
}

describe('a restart after a kill', () => {
  test('shows every value as before, and adds nothing to the log', async () => {
    await using server = await startServer(folder.path)
    expect(documents.size).toBe(ids.length)
    expect(await readModel(server.base, 'values')).toEqual(documents)
    expect(await readLog(server.base)).toEqual(log)
  })

  test('takes the same decisions from the events alone', async () => {
    await using server = await startServer(folder.path)
    const createAgain = await ask(`${server.base}/commands/CreateValue`, {
      method: 'POST',
      body: { streamId: ids[0] ?? '', data: { value: 1 } },
    })
    expect(createAgain).toMatchObject({ status: 422, body: { code: 'VALUE_EXISTS' } })
    const addition = { operation: 'ADD', value: 1 }
    expect(await update(server, randomUUID(), addition)).toEqual({ status: 422, code: 'VALUE_NOT_FOUND' })
    expect(await readLog(server.base)).toEqual(log)
  })
})

describe('wiped read models', () => {
  test('come back equal from the log, twice', async () => {
    for (let round = 0; round < 2; round += 1) {
      wipeReadModels()
      await using server = await startServer(folder.path)
      expect(await readModel(server.base, 'values')).toEqual(documents)
      expect(await server.end('SIGTERM')).toBe(0)
    }
  })
})

describe('the checkpoint of a read model', () => {
  test('spares it all events but the new ones', async () => {
    expect(markDocuments()).toBe(ids.length)
    await using server = await startServer(folder.path)
    const [changed = '', ...untouched] = ids
    await update(server, changed, { operation: 'MULTIPLY', value: 0 })
    const read = async (id: string) => Object((await ask(`${server.base}/values/${id}`)).body).value
    await expect.poll(() => read(changed)).toBe(0)
    // A read model that had read the log from its start would not show the marks any more.
    for (const id of untouched) expect(await read(id)).toBe(-1)
  })
})
