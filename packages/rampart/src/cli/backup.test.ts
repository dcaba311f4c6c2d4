// `rampart backup` and `rampart restore` around a real server: what clients of it notice.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeToken } from '../core/codec/index.ts'
import { startHost } from '../host/index.ts'
import counter from './test/fixtures/counter/src/app.ts'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const root = await mkdtemp(join(tmpdir(), 'rampart-cli-backup-'))
afterAll(() => rm(root, { recursive: true, force: true }))

async function serve(data: string) {
  const faults: string[] = []
  const host = await startHost({
    mounts: [{ prefix: '', app: counter }],
    environment: { PORT: '0', RAMPART_DATA: data, RAMPART_RATE_PER_SECOND: '0' },
    reportFault: (fault, what) => faults.push(`${what}: ${String(fault)}`),
  })
  return { url: host.url, faults, [Symbol.asyncDispose]: host.drain }
}

async function rampart(...args: readonly string[]) {
  const child = spawn(process.execPath, [bin, ...args], { cwd: root, env: { ...process.env, INIT_CWD: '' } })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (said.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (said.stderr += String(chunk)))
  const [code] = await once(child, 'close')
  return { code: Number(code), ...said }
}

async function count(url: string, by: number, key: string) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key }
  const body = JSON.stringify({ streamId: `s${by % 7}`, data: { by } })
  const response = await fetch(`${url}/commands/Count`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
  const { position } = (await response.json()) as { position: number }
  return { by, key, position, token: response.headers.get('consistency-token') ?? '' }
}

type Counted = Awaited<ReturnType<typeof count>>

async function read(url: string, key: string, token = '') {
  const headers = token === '' ? {} : { 'consistency-token': token }
  const response = await fetch(`${url}/reads/totals/${key}`, { headers })
  const body = (await response.json()) as { readonly code?: string; readonly detail?: string }
  return { status: response.status, body }
}

/** The first events of a live listing that is taken up after an id. */
async function follow(url: string, lastEventId = '', events = 1) {
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
  }
  const over = new AbortController()
  const response = await fetch(`${url}/reads/totals`, { headers, signal: over.signal })
  let text = ''
  const isEnough = (): boolean => (text.match(/^(data|event): /gm)?.length ?? 0) >= events
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8')
    if (isEnough()) break
  }
  over.abort()
  return { text, lastId: Array.from(text.matchAll(/^id: (.+)$/gm), ([, id = '']) => id).at(-1) ?? '' }
}

/** The documents are what a fold of the log says. */
async function requireDocumentsOfTheLog(url: string): Promise<number> {
  const totals = new Map<string, number>()
  let head = 0
  for (let after = 0; ;) {
    const response = await fetch(`${url}/admin/events?after=${after}&limit=1000`)
    const { events, head: last } = (await response.json()) as {
      head: number
      events: { position: number; stream: string; data: { by: number } }[]
    }
    head = last
    for (const { position, stream, data } of events) {
      expect(position).toBe(++after)
      const key = stream.replace('counter-', '')
      totals.set(key, (totals.get(key) ?? 0) + data.by)
    }
    if (after >= head) break
  }
  const lags = async (): Promise<unknown> => (await fetch(`${url}/readyz`)).json()
  await expect
    .poll(lags)
    .toEqual({ ready: true, projections: { 'counter/totals': { lagEvents: 0, lagSeconds: 0 } } })
  const page = (await (await fetch(`${url}/reads/totals?limit=1000`)).json()) as {
    items: { key: string; data: { total: number } }[]
  }
  expect(new Map(page.items.map(({ key, data }) => [key, data.total]))).toEqual(totals)
  return head
}

/** A flood of commands until it is told to stop; each has a key of its own. */
function flood(url: string, from: number) {
  const done: Counted[] = []
  const state = { isOver: false }
  let next = from
  const lanes = Array.from({ length: 16 }, async () => {
    while (!state.isOver) {
      const number = next++
      // oxlint-disable-next-line no-await-in-loop -- one after the other, sixteen at a time
      done.push(await count(url, number, `key-${number}`))
    }
  })
  return {
    done,
    async stop() {
      state.isOver = true
      await Promise.all(lanes)
    },
  }
}

function positionOf(token: string): number {
  return decodeToken(token).get('default/counter/0')?.position ?? 0
}

async function requireWhatClientsNotice(url: string, kept: readonly Counted[], lost: readonly Counted[]) {
  const [first, last] = [kept[0], kept.at(-1)]
  for (const one of [first, last])
    expect(await read(url, `s${(one?.by ?? 0) % 7}`, one?.token)).toMatchObject({ status: 200 })
  for (const one of [lost[0], lost.at(-1)]) {
    const answer = await read(url, 's1', one?.token)
    expect(answer).toMatchObject({ status: 400, body: { code: 'TOKEN_INVALID' } })
    expect(answer.body.detail).toContain(`position ${one?.position} of a history that the log has lost`)
  }
  const head = await requireDocumentsOfTheLog(url)
  for (const one of [first, last])
    expect(await count(url, one?.by ?? 0, one?.key ?? '')).toMatchObject({ position: one?.position })
  expect(await requireDocumentsOfTheLog(url)).toBe(head)
  const again = lost[0]
  expect(await count(url, again?.by ?? 0, again?.key ?? '')).toMatchObject({ position: head + 1 })
  expect(await read(url, 's1', again?.token)).toMatchObject({ status: 400 })
  await requireDocumentsOfTheLog(url)
}

describe('a server that writes at full rate', () => {
  test('is backed up, goes on, is restored, and its clients learn what is lost', async () => {
    const [data, backup] = [join(root, 'data'), join(root, 'backup')]
    let kept: readonly Counted[] = []
    let lost: readonly Counted[] = []
    let ids = { kept: '', lost: '' }
    {
      await using server = await serve(data)
      const flooding = flood(server.url, 1)
      await expect.poll(() => flooding.done.length).toBeGreaterThan(300)
      const keptId = (await follow(server.url, '', 3)).lastId
      const before = [...flooding.done]
      const made = await rampart('backup', backup, '--data', data)
      expect(made).toMatchObject({ code: 0, stderr: '' })
      const head = Number(/up to position (\d+)/.exec(made.stdout)?.[1])
      await flooding.stop()
      for (const { position } of before) expect(position).toBeLessThanOrEqual(head)
      for (let number = 90_000; number < 90_003; number++) await count(server.url, number, `key-${number}`)
      kept = flooding.done.filter(({ position }) => position <= head)
      lost = [await count(server.url, 90_003, 'key-lost'), await count(server.url, 90_004, 'key-last')]
      ids = { kept: keptId, lost: (await follow(server.url, '', 7)).lastId }
      const refused = await rampart('restore', backup, '--data', data)
      expect(refused).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/in use.*Stop the process/s),
      })
    }
    const restored = await rampart('restore', backup, '--data', data)
    expect(restored).toMatchObject({ code: 0, stderr: '' })
    expect(restored.stdout).toMatch(/what was there is in .*before-restore-/)
    await using server = await serve(data)
    expect((await follow(server.url, ids.lost)).text).toMatch(/^event: reset$/m)
    expect((await follow(server.url, ids.kept)).text).not.toMatch(/^event: reset$/m)
    await requireWhatClientsNotice(server.url, kept, lost)
    expect(server.faults).toEqual([])
  })

  test('whose file was put back by hand derives its documents anew, and says so', async () => {
    const [data, old] = [join(root, 'by-hand'), join(root, 'old.sqlite')]
    const file = join(data, 'counter', 'write.sqlite')
    const kept: Counted[] = []
    const lost: Counted[] = []
    {
      await using server = await serve(data)
      for (let number = 1; number <= 20; number++) kept.push(await count(server.url, number, `key-${number}`))
    }
    await copyFile(file, old)
    let lostId = ''
    {
      await using server = await serve(data)
      for (let number = 21; number <= 40; number++)
        lost.push(await count(server.url, number, `key-${number}`))
      await requireDocumentsOfTheLog(server.url)
      lostId = (await follow(server.url, '', 7)).lastId
    }
    await copyFile(old, file)
    await using server = await serve(data)
    expect(server.faults).toEqual([
      expect.stringMatching(/^projection totals: .*position 40 of a history that is lost/),
    ])
    expect((await follow(server.url, lostId)).text).toMatch(/^event: reset$/m)
    await requireWhatClientsNotice(server.url, kept, lost)
    const grown: Counted[] = []
    for (let number = 50; number <= 80; number++) grown.push(await count(server.url, number, `key-${number}`))
    expect(positionOf(grown.at(-1)?.token ?? '')).toBeGreaterThan(40)
    for (const { token } of lost) expect(await read(server.url, 's1', token)).toMatchObject({ status: 400 })
    for (const { token } of [...kept, ...grown])
      expect((await read(server.url, 's1', token)).status).toBe(200)
  })
})

test('a call that cannot be carried out ends with 2, a backup that is none with 1', async () => {
  const [empty, full] = [join(root, 'empty'), join(root, 'full')]
  await Promise.all([mkdir(empty), mkdir(full)])
  await writeFile(join(full, 'a'), '')
  const [nothing, none] = await Promise.all([
    rampart('backup', 'new', '--data', empty),
    rampart('restore', full, '--data', empty),
  ])
  expect(nothing).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^There is no store of an app/),
  })
  expect(none).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/is no backup, or one that was/),
  })
})

describe('a backup that is stopped in the middle of its copy', () => {
  const data = join(root, 'large')
  beforeAll(async () => {
    await (await serve(data))[Symbol.asyncDispose]()
    const database = new DatabaseSync(join(data, 'counter', 'write.sqlite'))
    database.exec('CREATE TABLE filler (bytes BLOB)')
    const fill = database.prepare('INSERT INTO filler VALUES (zeroblob(1000000))')
    for (let megabyte = 0; megabyte < 200; megabyte++) fill.run()
    database.close()
  })

  /** Sends a signal to `rampart backup` once it has begun. */
  async function stopped(to: string, signal: NodeJS.Signals) {
    const environment = { ...process.env, INIT_CWD: '' }
    const child = spawn(process.execPath, [bin, 'backup', to, '--data', data], { env: environment })
    const ended = once(child, 'close')
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    const note = join(to, 'unfinished-backup.json')
    await expect.poll(() => existsSync(note), { interval: 1, timeout: 10_000 }).toBe(true)
    child.kill(signal)
    const [code, by] = await ended
    return { code, by, stderr }
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('by %s leaves nothing, and says so', async (signal) => {
    const to = join(root, `stopped-by-${signal}`)
    expect(await stopped(to, signal)).toEqual({
      code: 1,
      by: null,
      stderr: `${signal}: the backup is not finished, and what it had copied is removed.\n`,
    })
    expect(existsSync(to)).toBe(false)
  })

  test('by kill -9 is no backup and no data, and the next one says what to remove', async () => {
    const to = join(root, 'killed')
    expect(await stopped(to, 'SIGKILL')).toMatchObject({ code: null, by: 'SIGKILL' })
    expect(existsSync(join(to, 'manifest.json'))).toBe(false)
    const [again, restored, verified, examined] = await Promise.all([
      rampart('backup', to, '--data', data),
      rampart('restore', to, '--data', join(root, 'from-killed')),
      rampart('verify', '--data', to),
      rampart('doctor', '--data', to),
    ])
    const remove = `Unless a process is making it just now, remove it: rm -r '${to}'.`
    expect(again).toEqual({
      code: 2,
      stdout: '',
      stderr: `${to} holds a backup that was never finished. ${remove}\n`,
    })
    expect(restored).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('one that was never finished'),
    })
    const noData = {
      code: 1,
      stdout: '',
      stderr: `${to} holds what is left of a backup that was never finished, and no data. ${remove}\n`,
    }
    expect([verified, examined]).toEqual([noData, noData])
    await expect(serve(to)).rejects.toThrow('and no data')
    await rm(to, { recursive: true })
    expect(await rampart('backup', to, '--data', data)).toMatchObject({ code: 0 })
  })
})
