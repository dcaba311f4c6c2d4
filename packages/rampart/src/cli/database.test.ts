// The commands that operate a store, over a PostgreSQL database: the same answers as over a folder.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { context } from '../core/index.ts'
import { app } from '../host/index.ts'
import { runSql } from '../postgres/test/server.ts'
import { count, openDatabases, type Databases } from './test/databases.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { rampart } from './test/run-rampart.ts'
import { storesInDatabase } from './stored-app.ts'
import { verifyApp } from './verify-app.ts'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const logKey = 'default/counter/0'
let databases: Databases
beforeAll(async () => {
  databases = await openDatabases()
})
afterAll(() => databases[Symbol.asyncDispose]())

const newDatabase: Databases['create'] = (template) => databases.create(template)
const serve: Databases['serve'] = (...served) => databases.serve(...served)

test('a URL that is none is never repeated, and a database without a store is said to be one', async () => {
  const wrong = await rampart('verify', '--store', 'mysql://eve:secret@localhost/shop')
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/--store is no URL of a database/)])
  const empty = await rampart('commands', 'list', '--store', await newDatabase())
  expect([empty.code, empty.stderr]).toEqual([2, expect.stringMatching(/has no store of Rampart/)])
  const absent = await rampart('commands', 'list', '--store', 'postgres://eve:secret@127.0.0.1:1/shop')
  expect([absent.code, absent.stderr]).toEqual([
    1,
    expect.stringMatching(/^The database 127.0.0.1:1\/shop failed: .*runs and can be reached\.\n$/),
  ])
  for (const { stdout, stderr } of [wrong, empty, absent]) expect(stdout + stderr).not.toContain('secret')
})

test('commands list shows what waits in a database, and what was given up', async () => {
  const url = await newDatabase()
  process.env['COUNTER_DECIDE_FAILS'] = 'the rate is not known'
  try {
    await using host = await serve(url)
    expect(await rampart('commands', 'list', '--store', url)).toMatchObject({
      code: 0,
      stdout: 'No command waits, and none was given up.\n',
    })
    expect((await count(host, 'a', { prefer: 'respond-async' })).status).toBe(202)
    const list = async () => (await rampart('commands', 'list', '--store', url)).stdout
    await expect.poll(list).toMatch(/^counter {2}received {2}Count counter-a .* attempt \d .*not known\n$/)
    await runSql(url, `UPDATE rampart_write.inbox SET attempts = 4, due_at_ms = 0`)
    await expect.poll(list).toMatch(/^counter {2}failed {2}Count counter-a .*not known/)
    const { code, stdout } = await rampart('commands', 'list', '--store', url, '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { commands: [{ app: 'counter', state: 'failed', log: logKey, attempts: 5, nextAttemptAt: null }] },
    ])
  } finally {
    delete process.env['COUNTER_DECIDE_FAILS']
  }
})

describe('status and doctor', () => {
  const doctor = (url: string) => rampart('doctor', '--store', url)

  /** A session that leaves a transaction open, as somebody does who goes to lunch. */
  async function leaveOpen(url: string, sql: string) {
    const client = new Client({ connectionString: url, application_name: 'lunch' })
    await client.connect()
    await client.query(`BEGIN; ${sql}`)
    return { [Symbol.asyncDispose]: () => client.end() }
  }

  test('status shows logs, read models and the processes that share them, doctor who is gone', async () => {
    const url = await newDatabase()
    await using one = await serve(url)
    const status = async () => (await rampart('status', '--store', url)).stdout
    {
      await using other = await serve(url)
      const token = (await count(one, 'a')).headers.get('consistency-token') ?? ''
      const read = await fetch(`${other.url}/reads/totals/a`, { headers: { 'consistency-token': token } })
      expect(read.status).toBe(200)
      await expect.poll(status).toMatch(/\ncounter {2}2 processes\n/)
      const shown = await status()
      expect(shown).toMatch(/^\S+\/test_\d+ {2}rampart_write at step \d+, rampart_read at step \d+\n/)
      expect(shown).toMatch(/\n {2}the wall is down: /)
      for (const { url: address } of [one, other]) {
        const line = `\n  process ${process.pid} on \\S+  write,project,serve  ${address}  began \\d+ s`
        expect(shown).toMatch(new RegExp(line))
      }
      expect(shown).toMatch(/\n {2}counter {2}1 events, the last \d+ s ago\n {4}epoch \S+ \(1 in all\)\n/)
      expect(shown).toMatch(/\n {4}totals {2}version 1, generation 1 {2}at 1 {2}up to date\n/)
      const { stdout } = await rampart('status', '--json', '--store', url)
      expect(JSON.parse(stdout)).toMatchObject({
        wall: 'down',
        apps: [
          {
            app: 'counter',
            processes: [{ pid: process.pid, state: 'running' }, {}],
            logs: [{ context: 'counter', head: 1, projections: [{ name: 'totals', lagEvents: 0 }] }],
          },
        ],
      })
    }
    expect(await status()).toMatch(/\ncounter {2}1 process\n/)
    expect(await doctor(url)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Nothing is wrong with/),
    })
    const killed = (seen: string) =>
      runSql(
        url,
        `INSERT INTO rampart_host.processes
         SELECT 'killed', app, roles, 4711, host, NULL, walled, since, now() - interval '${seen}'
         FROM rampart_host.processes LIMIT 1`,
      )
    await killed('40 seconds')
    expect((await doctor(url)).stdout).toMatch(
      /^! counter: Process 4711 on \S+ gave no sign of life for \d\d s\.\n/,
    )
    await runSql(url, `DELETE FROM rampart_host.processes WHERE pid = 4711`)
    await killed('11 minutes')
    await expect.poll(status).not.toMatch(/4711/)
  })

  test('doctor finds who holds the log, and who holds a read model back', async () => {
    const url = await newDatabase()
    await using host = await serve(url)
    expect((await count(host, 'a')).status).toBe(200)
    const said = async () => (await doctor(url)).stdout.replaceAll(/\d+/g, 'N')
    {
      await using _open = await leaveOpen(url, 'SELECT pg_advisory_xact_lock(1380012368, 1)')
      const answer = count(host, 'b')
      const session = '! Session N \\(user postgres, application lunch, idle in transaction for N s\\)'
      const what =
        'holds the log counter:\\S+, and N other session waits\\. Its last statement: BEGIN; SELECT'
      const remedy = 'End its transaction, or the session: SELECT pg_terminate_backend\\(N\\)\\.'
      const line = new RegExp(`^${session} ${what}.*\n  ${remedy}\n`)
      await expect.poll(said).toMatch(line)
      await _open[Symbol.asyncDispose]()
      expect((await answer).status).toBe(200)
    }
    {
      await using _open = await leaveOpen(url, 'SELECT FROM rampart_read.collections FOR UPDATE')
      await count(host, 'c')
      await expect.poll(said).toMatch(/^! Session N .*: N other session waits for it\./)
      await expect.poll(said).toMatch(/\n! counter: totals is N events behind and does not catch up\./)
    }
    await expect.poll(() => doctor(url)).toMatchObject({ code: 0 })
  })

  test.each(['rampart_read.leases', 'rampart_write.logs'])(
    'doctor names who has locked %s',
    async (table) => {
      const url = await newDatabase()
      {
        await using host = await serve(url)
        expect((await count(host, 'a')).status).toBe(200)
      }
      await using _open = await leaveOpen(url, `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
      const beganMs = performance.now()
      const { code, stdout } = await doctor(url)
      expect(performance.now() - beganMs).toBeLessThan(10_000)
      expect([code, stdout.replaceAll(/\d+/g, 'N')]).toEqual([
        1,
        expect.stringMatching(
          `^! Session N \\(.*, application lunch, idle in transaction for N s\\) holds ${table}, ` +
            'and N other sessions wait\\. .*\n  End its transaction, or .*terminate_backend\\(N\\)\\.\n\n' +
            '! The database .* failed: canceling statement due to lock timeout\\. A session has locked ',
        ),
      ])
      const status = await rampart('status', '--store', url)
      expect([status.code, status.stderr]).toEqual([1, expect.stringMatching(/rampart doctor names it\.\n$/)])
    },
  )

  test('status says that the wall is up where each part logs in as its own role', async () => {
    const url = await newDatabase()
    await using _writer = await serve(url, counter, { RAMPART_ROLES: 'write' })
    const as = (role: string): string => url.replace('postgres@', `${role}@`)
    const settings = {
      RAMPART_ROLES: 'project,serve',
      RAMPART_PROJECTOR_STORE: as('rampart_projector'),
      RAMPART_READER_STORE: as('rampart_reader'),
    }
    await using _reader = await serve(url, counter, settings)
    const status = async () => (await rampart('status', '--store', url)).stdout
    await expect.poll(status).toMatch(/\n {2}the wall is up: [\s\S]*\ncounter {2}2 processes\n/)
    for (const roles of ['write', 'project,serve']) {
      expect(await status()).toMatch(new RegExp(`\n  process \\d+ on \\S+  ${roles} +http`))
    }
    const opened = async (sql: string): Promise<string> => {
      await runSql(url, sql)
      const [, ...lines] = (await status()).split('\n')
      return lines.slice(0, 2).join('\n')
    }
    const down = (what: string): RegExp =>
      new RegExp(`^  the wall is down: .*\n    rampart_projector \\(project,serve\\) may ${what}$`)
    expect(await opened('GRANT SELECT (state) ON rampart_write.states TO rampart_projector')).toMatch(
      down('read rampart_write.states'),
    )
    expect(await opened('GRANT INSERT ON rampart_write.events TO PUBLIC')).toMatch(
      down('read rampart_write.states, and change rampart_write.events'),
    )
    await runSql(
      url,
      `REVOKE SELECT (state) ON rampart_write.states FROM rampart_projector;
       REVOKE INSERT ON rampart_write.events FROM PUBLIC`,
    )
    expect(await status()).toMatch(/the wall is up/)
  })

  test('the writer sees enough for both, and doctor names the locks of sessions that hide', async () => {
    const url = await newDatabase()
    await using host = await serve(url)
    await count(host, 'a')
    const own = url.replace('postgres@', 'rampart_writer@')
    expect((await rampart('status', '--store', own)).stdout).toMatch(
      /\n {4}lease projection totals, version 1/,
    )
    expect(await doctor(own)).toMatchObject({ code: 0 })
    const verified = await rampart('verify', '--store', own)
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/tables were not compared/)])
    await using _open = await leaveOpen(url, 'SELECT pg_advisory_xact_lock(1380012368, 1)')
    const answer = count(host, 'b')
    const said = async () => (await doctor(own)).stdout
    await expect.poll(said).toMatch(/holds the log counter:\S+, and 1 other session waits/)
    await _open[Symbol.asyncDispose]()
    expect((await answer).status).toBe(200)
  })

  test('doctor finds a process that stands still, which status showed with its lease', async () => {
    const url = await newDatabase()
    const module = join(import.meta.dirname, 'test/fixtures/counter/src')
    const environment = { PORT: '0', RAMPART_DATA: join(databases.folder, 'alone'), RAMPART_STORE: url }
    const child = spawn(process.execPath, [bin, 'run', module], {
      env: { ...process.env, ...environment },
      stdio: 'ignore',
    })
    try {
      const status = async () => (await rampart('status', '--store', url)).stdout
      const held = new RegExp(`lease projection totals.* held by process ${child.pid} on`)
      await expect.poll(status).toMatch(held)
      child.kill('SIGSTOP')
      const still = new RegExp(`Process ${child.pid} on \\S+ gave no sign of life for \\d+ s`)
      await expect.poll(async () => (await doctor(url)).stdout).toMatch(still)
    } finally {
      child.kill('SIGKILL')
    }
  })
})

test('quarantine and rebuild find the process that runs a projection by its database', async () => {
  const url = await newDatabase()
  process.env['COUNTER_FAILS_AT'] = '1'
  try {
    await using one = await serve(url)
    await using _other = await serve(url)
    await count(one, 'a')
    const list = () => rampart('quarantine', 'list', '--store', url)
    await expect
      .poll(list)
      .toMatchObject({ code: 1, stdout: expect.stringMatching(/^totals {2}a {2}1 event waits/) })
    expect((await list()).stdout.split('\n')).toHaveLength(2)
    delete process.env['COUNTER_FAILS_AT']
    expect(await rampart('quarantine', 'replay', 'totals', 'a', '--store', url)).toMatchObject({ code: 0 })
    expect(await list()).toMatchObject({ code: 0, stdout: 'Nothing is quarantined.\n' })
    for (const generation of [2, 3, 4]) {
      expect(await rampart('rebuild', 'totals', '--store', url)).toMatchObject({
        code: 0,
        stderr: '',
        stdout:
          `totals is live as version 1, generation ${generation}.\n` +
          `The build version 1, generation ${generation} took its place (1 and 1 documents).\n` +
          `Kept for the way back: version 1, generation ${generation - 1}.\n`,
      })
    }
    const wrong = await rampart('rebuild', 'totals', '--store', url, '--app', 'other')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/has the apps counter\. Name one/)])
  } finally {
    delete process.env['COUNTER_FAILS_AT']
  }
})

test('doctor names a process that has what stands still, not one that only serves', async () => {
  const url = await newDatabase()
  process.env['COUNTER_FAILS_AT'] = '1'
  try {
    {
      await using first = await serve(url)
      await count(first, 'a')
      const list = () => rampart('quarantine', 'list', '--store', url)
      await expect.poll(list).toMatchObject({ code: 1 })
    }
    await using _reader = await serve(url, counter, { RAMPART_ROLES: 'serve' })
    await using keeper = await serve(url, counter, { RAMPART_ROLES: 'write,project' })
    const said = async () => (await rampart('doctor', '--store', url)).stdout
    await expect.poll(said).toContain(`heal them: rampart quarantine list --url ${keeper.url}.`)
  } finally {
    delete process.env['COUNTER_FAILS_AT']
  }
})

test('a newer version that differs waits beside processes of the older one, and is accepted', async () => {
  const url = await newDatabase()
  const [{ deciders, projections }] = counter.contexts
  const [totals] = projections
  const Counted = (): never => {
    throw new Error('It is broken.')
  }
  const newer = app('counter', {
    contexts: [context('counter', { deciders, projections: [{ ...totals, version: 2, on: { Counted } }] })],
  })
  await using one = await serve(url)
  await count(one, 'a')
  const rebuild = (...how: string[]) => rampart('rebuild', 'totals', ...how, '--store', url)
  await using other = await serve(url, newer)
  const differs =
    'The build version 2, generation 1 differs in 1 documents (1 and 0 documents): a. ' +
    'Mend it and start the server again, or use --accept.\n'
  await expect
    .poll(() => rebuild('--status'))
    .toMatchObject({ code: 1, stdout: expect.stringContaining(differs) })
  expect(await (await fetch(`${other.url}/readyz`)).json()).toMatchObject({
    ready: true,
    projections: { 'counter/totals': { upgradeStopped: expect.stringMatching(/differs in 1 keys.*: a\. /) } },
  })
  const token = (await count(one, 'a')).headers.get('consistency-token') ?? ''
  const read = () => fetch(`${other.url}/reads/totals/a`, { headers: { 'consistency-token': token } })
  expect(await (await read()).json()).toMatchObject({ version: 2, data: {} })
  const accepted = await rebuild('--accept')
  expect([accepted.code, accepted.stderr]).toEqual([0, ''])
  await expect.poll(async () => (await read()).status).toBe(503)
})

test('the parts of a projection are one to operators, wherever they run', async () => {
  const url = await newDatabase()
  const [{ deciders, projections }] = counter.contexts
  const [totals] = projections
  const split = app('counter', {
    contexts: [context('counter', { deciders, projections: [{ ...totals, parts: 4 }] })],
  })
  await using one = await serve(url, split)
  await using _other = await serve(url, split)
  for (const stream of ['a', 'b', 'c', 'd', 'e', 'f']) await count(one, stream)
  const rebuild = (...how: string[]) => rampart('rebuild', 'totals', ...how, '--store', url)
  // Parts do not move any more.
  const halves = /^totals \(2 of 4 parts\) is live .*\ntotals \(2 of 4 parts\) is live /
  await expect.poll(async () => (await rebuild('--status')).stdout).toMatch(halves)
  const rebuilt = await rebuild()
  expect(rebuilt.code).toBe(0)
  expect(rebuilt.stdout.match(/took its place/g)).toHaveLength(2)
  const status = (await rampart('status', '--store', url)).stdout
  expect(status).toMatch(/ totals, 4 parts +version 1, generation 2 +at 6 +up to date/)
  expect((await rampart('doctor', '--store', url)).stdout).not.toMatch(/totals is/)
  const [stored] = await storesInDatabase(url, url)
  if (stored === undefined) throw new Error('The app is not there.')
  const request = { stored, definition: split, anchors: [], report() {}, onProgress() {} }
  const [compared] = (await verifyApp(request)).projections
  expect(compared).toMatchObject({
    projection: 'totals',
    result: { status: 'compared', position: 6, documents: 6, differing: 0 },
  })
})
