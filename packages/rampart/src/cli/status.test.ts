// `rampart status` and `rampart doctor` beside a server: what they tell of it, and of what was done to it.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { startHost, type RunningHost } from '../host/index.ts'
import { diagnose } from './diagnosis.ts'
import { survey, type Survey } from './survey.ts'
import counter from './test/fixtures/counter/src/app.ts'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const folder = await mkdtemp(join(tmpdir(), 'rampart-status-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let places = 0
async function serve(
  data = join(folder, String(++places)),
): Promise<RunningHost & { readonly data: string }> {
  const mounts = [{ prefix: '/one', app: counter }]
  const host = await startHost({ mounts, environment: { PORT: '0', RAMPART_DATA: data }, reportFault() {} })
  return { ...host, data }
}

async function count({ url }: RunningHost, streamId: string, by: number): Promise<void> {
  const body = JSON.stringify({ streamId, data: { by } })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/one/commands/Count`, { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
  const token = answer.headers.get('consistency-token') ?? ''
  await fetch(`${url}/one/reads/totals/none`, { headers: { 'consistency-token': token } })
}

async function rampart(...args: readonly string[]): Promise<readonly [number, string]> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], (fault, stdout, stderr) => {
      resolve([Number(fault?.code ?? 0), stdout + stderr])
    })
  })
}

const look = (data: string): Promise<Survey> => survey(data, systemRuntime)
const whatIsWrong = async (data: string) => diagnose(await look(data)).map(({ what }) => what)

test('status shows logs, read models, files and who serves them, for people and for programs', async () => {
  await using host = await serve()
  await count(host, 'a', 1)
  await count(host, 'b', 2)
  const [code, shown] = await rampart('status', '--data', host.data)
  expect(code).toBe(0)
  expect(shown).toMatch(new RegExp(`^counter  served at ${host.url}/one by process ${process.pid}\n`))
  expect(shown).toMatch(/\n {2}counter {2}2 events, the last \d+ s ago\n {4}epoch \S+ \(1 in all\)\n/)
  expect(shown).toMatch(/\n {4}totals {2}version 1, generation 1 {2}at 2 {2}up to date\n/)
  const [, json] = await rampart('status', '--json', '--data', host.data)
  expect(JSON.parse(json)).toMatchObject({
    apps: [
      {
        app: 'counter',
        server: { state: 'serving', pid: process.pid, url: `${host.url}/one`, ready: true },
        files: [{ journalBytes: expect.any(Number), schema: expect.any(Number) }, {}],
        logs: [{ context: 'counter', head: 2, projections: [{ name: 'totals', position: 2, lagEvents: 0 }] }],
      },
    ],
  })
  expect(await whatIsWrong(host.data)).toEqual([])
})

test('what is healthy ends with 0, also for who reads the head of it only', async () => {
  const host = await serve()
  await host.drain()
  const { data } = host
  expect(await rampart('doctor', '--data', data)).toEqual([
    0,
    `Nothing is wrong with counter (stopped) in ${data}.\n`,
  ])
  const command = `'${process.execPath}' '${bin}' status --json --data '${data}' | head -1`
  expect(await promisify(execFile)('sh', ['-c', command])).toEqual({ stdout: '{\n', stderr: '' })
})

test('doctor finds a quarantined key, and says how to see it', async () => {
  process.env['COUNTER_FAILS_AT'] = '13'
  try {
    await using host = await serve()
    await count(host, 'a', 13)
    expect(await rampart('doctor', '--data', host.data)).toEqual([
      1,
      '! counter: 1 key of totals stand still in quarantine.\n' +
        `  See why, and heal them: rampart quarantine list --url ${host.url}/one.\n\n` +
        `Looked at counter (serving) in ${host.data}.\n`,
    ])
  } finally {
    delete process.env['COUNTER_FAILS_AT']
  }
})

test('doctor tells a drained server from a killed one, and from one whose files were taken', async () => {
  const host = await serve()
  const { data } = host
  await rm(join(data, 'counter', 'write.sqlite.lock'))
  expect(await whatIsWrong(data)).toEqual([
    expect.stringMatching(/serves it without the lock of these files/),
  ])
  await host.drain()
  expect((await look(data)).apps).toMatchObject([{ server: { state: 'stopped' } }])
  expect(await whatIsWrong(data)).toEqual([])
  const note = { pid: 2 ** 22 + 1, url: host.url, startedAtMs: 1 }
  await writeFile(join(data, 'counter', 'server.json'), JSON.stringify(note))
  expect(await whatIsWrong(data)).toEqual([expect.stringMatching(/ended without a drain/)])
})

test('doctor finds a store of a newer version, a damaged one, and a folder that has none', async () => {
  const host = await serve()
  const { data } = host
  await count(host, 'a', 1)
  await host.drain()
  const write = new DatabaseSync(join(data, 'counter', 'write.sqlite'))
  write.exec('PRAGMA user_version = 99')
  write.close()
  await writeFile(join(data, 'counter', 'reads.sqlite'), 'this is no database, however long one looks at it')
  await rm(join(data, 'counter', 'reads.sqlite-wal'), { force: true })
  expect(await rampart('status', '--data', data)).toEqual([
    1,
    expect.stringMatching(/reads\.sqlite failed: .*The file is damaged/),
  ])
  expect(await whatIsWrong(data)).toEqual([
    expect.stringMatching(/reads\.sqlite failed: .*The file is damaged/),
    expect.stringMatching(/write\.sqlite has schema 99, and this version knows \d+ at most/),
  ])
  expect(await rampart('doctor', '--data', folder)).toEqual([
    2,
    `The data folder ${folder} has no app with a store (<app>/write.sqlite). ` +
      'Name the one that the server was started with: --data.\n',
  ])
})

test.each([
  ['DELETE FROM logs', 'the table events has 2 rows outside all logs, at log number 1'],
  ['DELETE FROM logs; DELETE FROM events; DELETE FROM seals', 'the table streams has 2 rows outside all'],
  ['DELETE FROM epochs', 'has no epoch'],
])('after %s, doctor and a start say what was done to the store', async (sql, what) => {
  const host = await serve()
  const { data } = host
  await count(host, 'a', 1)
  await count(host, 'b', 1)
  await host.drain()
  const write = new DatabaseSync(join(data, 'counter', 'write.sqlite'))
  write.exec(sql)
  write.close()
  const [code, told] = await rampart('doctor', '--data', data)
  expect(code).toBe(1)
  expect(told).toContain(what)
  expect(told).toMatch(/changed by hand.*\n {2}Stop the server, and restore a backup.*rampart verify/)
  await expect(serve(data)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/counter\/0 cannot be opened.*Restore a backup; `rampart verify` says/),
  })
})

test('deleted read models are no fault while nothing runs, and one under a server', async () => {
  const host = await serve()
  const { data } = host
  await count(host, 'a', 1)
  await rm(join(data, 'counter', 'reads.sqlite'))
  expect(await whatIsWrong(data)).toEqual([expect.stringMatching(/process \d+ serves were deleted under it/)])
  await host.drain()
  await rm(join(data, 'counter', 'reads.sqlite'), { force: true })
  const built = 'No read models are stored: the next start builds them again from the log.'
  expect(await rampart('doctor', '--data', data)).toEqual([
    0,
    `counter: ${built}\nNothing is wrong with counter (stopped) in ${data}.\n`,
  ])
  expect(await rampart('status', '--data', data)).toEqual([0, expect.stringContaining(`\n  ${built}\n`)])
})

test('doctor judges what cannot be brought about quickly by the numbers alone', async () => {
  const { data } = await serve().then(async (host) => {
    await count(host, 'a', 1)
    await host.drain()
    return host
  })
  const healthy = await look(data)
  const [app] = healthy.apps
  const [log] = app?.logs ?? []
  const [totals] = log?.projections ?? []
  if (app?.writeStore === undefined || log === undefined || totals === undefined) throw new Error('no survey')
  const { atMs } = healthy
  const withApp = (changed: object): Survey => ({ ...healthy, apps: [{ ...app, ...changed }] })
  const withLog = (changed: object): Survey => withApp({ logs: [{ ...log, ...changed }] })
  const serving = { state: 'serving', pid: 1, url: 'http://127.0.0.1:3000', health: null } as const
  const behind = (position: number, lagEvents: number): Survey =>
    withApp({
      server: serving,
      logs: [{ ...log, projections: [{ ...totals, position, lagEvents, lagSeconds: 60 }] }],
    })
  const inbox = { ...log.inbox, commands: 3, oldestAtMs: atMs - 300_000 }
  const cases: readonly (readonly [Survey, RegExp])[] = [
    [{ ...healthy, disk: { freeBytes: 1_000_000, bytes: 1e12 } }, /has 1\.0 MB left/],
    [withApp({ writeStore: { ...app.writeStore, journalBytes: 5e8 } }), /journal .* has 500\.0 MB/],
    [withApp({ writeStore: { ...app.writeStore, schema: 3 } }), /schema 3, .* was not looked into/],
    [withApp({ forbidden: ['/data'] }), /\/data may not be read and written/],
    [withApp({ server: { ...serving, state: 'silent' } }), /does not answer at/],
    [
      withApp({
        server: { ...serving, health: { ready: false, reason: 'disk full', projections: new Map() } },
      }),
      /takes no commands: disk full/,
    ],
    [withLog({ inbox }), /3 accepted commands of counter wait, and no server handles them/],
    [
      { ...withLog({ inbox }), apps: [{ ...app, server: serving, logs: [{ ...log, inbox }] }] },
      /the oldest came 5 min ago/,
    ],
    [withLog({ deadLetters: 2 }), /2 commands of counter were given up/],
    [withLog({ recordedAtMs: atMs + 3_600_000 }), /recorded 3600 s ahead of this clock/],
    [withLog({ projections: [{ ...totals, stopped: 'no key' }] }), /totals stopped: no key/],
    [
      withLog({ projections: [{ ...totals, upgradeStopped: 'no key' }] }),
      /newer version of totals does not take over: no key/,
    ],
    [withLog({ projections: [{ ...totals, quarantinedKeys: 2 }] }), /2 keys of totals stand still/],
  ]
  expect(diagnose(healthy)).toEqual([])
  const kept = { ...totals, isLive: false, quarantinedKeys: 1 }
  expect(diagnose(withLog({ projections: [totals, kept] }))).toEqual([])
  for (const [sick, what] of cases)
    expect(diagnose(sick)).toEqual([expect.objectContaining({ what: expect.stringMatching(what) })])
  expect(diagnose(behind(1, 9), behind(1, 9))).toMatchObject([
    { what: expect.stringMatching(/does not catch up/) },
  ])
  expect(diagnose(behind(1, 9), behind(4, 12))).toMatchObject([
    { what: expect.stringMatching(/12 events behind/) },
  ])
  expect(diagnose(behind(1, 9), behind(4, 6))).toEqual([])
})
