// One app in several processes on one PostgreSQL: each role by itself, killed and replaced while the
// others work.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import { rampart } from './test/run-rampart.ts'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const counter = join(import.meta.dirname, 'test/fixtures/counter')

let server: PostgresServer
let folder: string
let made = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  folder = await mkdtemp(join(tmpdir(), 'rampart-processes-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

type Role = 'write' | 'project' | 'serve'
const settingOf = {
  write: ['RAMPART_STORE', 'postgres'],
  project: ['RAMPART_PROJECTOR_STORE', 'rampart_projector'],
  serve: ['RAMPART_READER_STORE', 'rampart_reader'],
} as const

interface Running {
  readonly url: string
  /** Ends it; resolves with its exit code, null when the signal killed it. */
  readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | null>
}

/** Starts the app with one role, as the user of that role, and waits until it listens; the stack ends it. */
async function start(database: string, role: Role, stack: AsyncDisposableStack): Promise<Running> {
  const [setting, user] = settingOf[role]
  const settings = {
    PORT: '0',
    INIT_CWD: '',
    RAMPART_DATA: join(folder, `data-${++made}`),
    RAMPART_RATE_PER_SECOND: '0',
    [setting]: database.replace('postgres@', `${user}@`),
  }
  const child = spawn(process.execPath, [bin, 'run', counter, '--roles', role], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  let output = ''
  const listening = Promise.withResolvers<string>()
  const hear = (chunk: Buffer): void => {
    output += chunk.toString()
    const url = /listens on (\S+)/.exec(output)?.[1]
    if (url !== undefined) listening.resolve(url)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  void exited.then(() => listening.reject(new Error(`it ended before it listened: ${output}`)))
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal)
    const [code] = await exited
    return code
  }
  stack.defer(async () => void (await end('SIGKILL')))
  return { url: await listening.promise, end }
}

/**
 * Starts a process of each role, and waits until what they share is served; the first one makes the
 * tables.
 */
async function startAll(database: string, stack: AsyncDisposableStack): Promise<Record<Role, Running>> {
  const write = await start(database, 'write', stack)
  const [project, serve] = await Promise.all([
    start(database, 'project', stack),
    start(database, 'serve', stack),
  ])
  // A process that serves hears of the first documents a moment after they are begun.
  const served = async (): Promise<number> => (await fetch(`${serve.url}/reads/totals`)).status
  await expect.poll(served).toBe(200)
  return { write, project, serve }
}

async function count(url: string, streamId: string, key: string): Promise<Response> {
  return fetch(`${url}/commands/Count`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ streamId, data: { by: 1 } }),
  })
}

/** What several clients got who ask for the same, again and again, until it is stopped. */
interface Load {
  /** Answers with 200. */
  readonly answered: () => number
  /** Everything else. */
  readonly failures: () => readonly string[]
  readonly stop: () => Promise<void>
}

function load(clients: number, ask: (client: number, number: number) => Promise<Response>): Load {
  const failures: string[] = []
  let answered = 0
  const stopping = new AbortController()
  const work = async (client: number): Promise<void> => {
    for (let number = 0; !stopping.signal.aborted; number++) {
      try {
        const answer = await ask(client, number)
        const text = await answer.text()
        if (answer.status === 200) answered += 1
        else failures.push(`${answer.status} ${text}`)
      } catch (fault) {
        failures.push(String(fault))
      }
    }
  }
  const working = Promise.all(Array.from({ length: clients }, (_, client) => work(client)))
  return {
    answered: () => answered,
    failures: () => failures,
    async stop() {
      stopping.abort()
      await working
    },
  }
}

/** Waits until a load has got as many answers more. */
async function untilAnswered(of: Load, more: number): Promise<void> {
  const wanted = of.answered() + more
  await expect.poll(of.answered, { interval: 10 }).toBeGreaterThanOrEqual(wanted)
}

/** What a process that serves says of the streams `0` to `clients - 1`, after another command to each. */
async function totals(writer: string, reader: string, clients: number): Promise<readonly unknown[]> {
  const asked = Array.from({ length: clients }, async (_, client) => {
    const last = await count(writer, String(client), `last ${client}`)
    const token = last.headers.get('consistency-token') ?? ''
    // A projector that was killed has its lease for a few seconds yet.
    const headers = { 'consistency-token': token, prefer: 'wait=30' }
    const read = await fetch(`${reader}/reads/totals/${client}`, { headers })
    const { version, data } = (await read.json()) as { version: number; data: { total: number } }
    expect(version).toBe(data.total)
    return data.total - 1
  })
  return Promise.all(asked)
}

test('whoever is killed takes nobody with it, and what was acknowledged is there once', async () => {
  const database = await createDatabase(server.url('postgres'), 'killed')
  await using stack = new AsyncDisposableStack()
  const { write: writer, project: projector, serve: reader } = await startAll(database, stack)
  const acknowledged = [0, 0, 0, 0]
  let [writerUrl, readerUrl] = [writer.url, reader.url]
  const writes = load(4, async (client, number) => {
    const answer = await count(writerUrl, String(client), `${client} ${number}`)
    acknowledged[client] = number + 1
    return answer
  })
  await untilAnswered(writes, 50)
  expect((await fetch(`${readerUrl}/reads/totals/0?v=5`)).status).toBe(200)
  const shown = (await rampart('status', '--store', database)).stdout
  expect(shown).toContain('the wall is up')
  for (const role of ['write', 'project', 'serve']) expect(shown).toMatch(new RegExp(` ${role} +http`))

  await reader.end('SIGKILL')
  await untilAnswered(writes, 50)
  const nextReader = await start(database, 'serve', stack)
  readerUrl = nextReader.url
  const reads = load(4, (client) => fetch(`${readerUrl}/reads/totals/${client}`))
  await untilAnswered(reads, 50)
  await projector.end('SIGKILL')
  await Promise.all([untilAnswered(writes, 50), untilAnswered(reads, 50)])
  await start(database, 'project', stack)
  await writes.stop()
  await writer.end('SIGKILL')
  await untilAnswered(reads, 100)
  const nextWriter = await start(database, 'write', stack)
  writerUrl = nextWriter.url
  expect(await totals(writerUrl, readerUrl, 4)).toEqual(acknowledged)
  await reads.stop()
  expect([writes.failures(), reads.failures()]).toEqual([[], []])
})

test('processes that are replaced one after the other, under load, lose and repeat nothing', async () => {
  const database = await createDatabase(server.url('postgres'), 'replaced')
  await using stack = new AsyncDisposableStack()
  const running = await startAll(database, stack)
  const acknowledged = [0, 0, 0, 0]
  const writes = load(4, async (client, number) => {
    const answer = await count(running.write.url, String(client), `${client} ${number}`)
    acknowledged[client] = number + 1
    return answer
  })
  const reads = load(4, async (client) => {
    // A read that must contain what was acknowledged by now.
    const version = Math.max(acknowledged[client] ?? 0, 1)
    return fetch(`${running.serve.url}/reads/totals/${client}?v=${version}`, {
      headers: { prefer: 'wait=30' },
    })
  })
  await untilAnswered(reads, 20)
  const next = await startAll(database, stack)
  for (const role of ['serve', 'project', 'write'] as const) {
    const old = running[role]
    running[role] = next[role]
    await Promise.all([untilAnswered(writes, 20), untilAnswered(reads, 5)])
    expect(await old.end('SIGTERM')).toBe(0)
    await Promise.all([untilAnswered(writes, 20), untilAnswered(reads, 5)])
  }
  await writes.stop()
  await reads.stop()
  expect([writes.failures(), reads.failures()]).toEqual([[], []])
  expect(await totals(running.write.url, running.serve.url, 4)).toEqual(acknowledged)
})
