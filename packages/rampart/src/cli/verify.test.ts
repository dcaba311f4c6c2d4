// `rampart verify`: beside a busy server, over what was derived, and with anchors that are kept elsewhere.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { context, type Json } from '../core/index.ts'
import { app, openApp, startHost } from '../host/index.ts'
import type { Finding } from '../seal/index.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { storesInFolder } from './stored-app.ts'
import { bin, rampart, runProcess } from './test/run-rampart.ts'
import { verifyApp } from './verify-app.ts'

const module = join(import.meta.dirname, 'test/fixtures/counter/src/app.ts')
const folder = await mkdtemp(join(tmpdir(), 'rampart-verify-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

// The same app with rows of states.
const [{ deciders, projections }] = counter.contexts
const stateful = app('stateful', {
  contexts: [context('counter', { deciders, projections, repositories: { counter: 'stateStored' } })],
})

// The same app with documents that commit with their events.
const [totals] = projections
const keeping = app('keeping', {
  contexts: [context('counter', { deciders, projections: [{ ...totals, synchronous: true }] })],
})

async function verify(data: string, definition: typeof counter | undefined) {
  const findings: Finding[] = []
  const shown: string[] = []
  const name = definition?.name ?? 'counter'
  const verified = await verifyApp({
    stored: storesInFolder(name, join(data, name)),
    definition,
    anchors: [],
    report: (finding) => findings.push(finding),
    onProgress: (work, done, total) => shown.push(`${work} ${done} of ${total}`),
  })
  return { verified, findings, shown }
}

function change(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

async function countUp(data: string, definition: typeof counter, times: number) {
  await using running = await openApp(definition, { dataFolder: data })
  const sent = Array.from({ length: times }, (_, index) =>
    running.stream('counter', `s${index % 10}`).Count({ by: 1 }),
  )
  const totals = running.read('totals')
  for (const answer of await Promise.all(sent)) await totals.get('s0', { after: answer })
}

test('finds nothing beside a flood, round for round, and the server goes on serving', async () => {
  const data = join(folder, 'flood')
  const mounts = [{ prefix: '', app: counter, module }]
  const environment = { PORT: '0', RAMPART_DATA: data, RAMPART_RATE_PER_SECOND: '0' }
  await using host = await startHost({ mounts, environment, reportFault() {} })
  const over = new AbortController()
  let sent = 0
  const caller = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const body = JSON.stringify({ streamId: `s${sent++ % 50}`, data: { by: 1 } })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${host.url}/commands/Count`, { method: 'POST', headers, body })
      if (answer.status !== 200) throw new Error(`A command was answered with ${answer.status}.`)
      await answer.text()
    }
  }
  const flood = Promise.all(Array.from({ length: 3 }, caller))
  const heads: number[] = []
  try {
    for (let round = 0; round < 3; round++) {
      await expect.poll(() => sent).toBeGreaterThan((heads.at(-1) ?? 0) + 20)
      const { verified, findings } = await verify(data, counter)
      expect(findings).toEqual([])
      expect(verified.projections[0]?.result).toMatchObject({ status: 'compared', differing: 0 })
      heads.push(verified.logs[0]?.events ?? 0)
    }
  } finally {
    over.abort()
    await flood
  }
  expect(heads).toEqual(heads.toSorted((one, other) => one - other))
  // The events of the last rounds are sealed by the end, whatever was not when they were looked at.
  await host.drain()
  const { code, stdout } = await rampart('verify', '--data', data)
  expect(code).toBe(0)
  expect(stdout).toMatch(/ events, \d+ seals?, the newest [0-9a-f]{64}, 0 stored states compared\n/)
  expect(stdout).toMatch(/totals {2}\d+ documents compared at position \d+, 0 differ\nNothing was found\.\n$/)
})

describe('what is derived', () => {
  const data = join(folder, 'derived')
  beforeAll(async () => {
    await countUp(data, counter, 100)
    await countUp(data, stateful, 100)
  })

  test('is compared with a fold: a document that was changed, one too many, one too few', async () => {
    const [table] = tablesOf(join(data, 'counter', 'reads.sqlite'))
    change(
      join(data, 'counter', 'reads.sqlite'),
      `UPDATE ${table} SET data = '{"total":0}' WHERE key = 's1';
       UPDATE ${table} SET key = 'strange' WHERE key = 's2'`,
    )
    const { findings } = await verify(data, counter)
    expect(findings).toMatchObject([{ code: 'READ_MODEL_DIFFERS', position: 100 }])
    expect(findings[0]?.what).toBe(
      'totals: 3 of 10 documents are not what the log folds to (s1, strange, s2)',
    )
  })

  test('is told of while it is folded, as the log is', async () => {
    const { shown } = await verify(data, counter)
    expect(shown).toEqual(expect.arrayContaining(['totals 0 of 100', 'totals 100 of 100']))
  })

  test('is compared with a fold: a row of state', async () => {
    expect((await verify(data, stateful)).verified.logs[0]?.states).toEqual({ compared: 10, others: 0 })
    expect((await verify(data, stateful)).findings).toEqual([])
    const file = join(data, 'stateful', 'write.sqlite')
    change(file, `UPDATE states SET state = replace(state, '10', '11') WHERE stream = 1`)
    change(file, 'UPDATE states SET version = 99 WHERE stream = 2')
    change(file, 'UPDATE states SET state_version = 99 WHERE stream = 3')
    const { verified, findings } = await verify(data, stateful)
    expect(findings.map(({ code, event }) => [code, event])).toEqual([
      ['STATE_DIFFERS', 'counter-s0@10'],
      ['STATE_DIFFERS', 'counter-s1@99'],
      ['STATE_DIFFERS', 'counter-s2@10'],
    ])
    expect(verified.logs[0]?.states).toEqual({ compared: 9, others: 1 })
  })

  test('is compared with a fold: a row of state of an older version, once it is migrated', async () => {
    const older = join(folder, 'older')
    await countUp(older, stateful, 10)
    const migrated = (step: (stored: Json) => Json) => {
      const [{ definition }] = deciders
      const state = { ...definition.state, version: 2, migrate: { 1: step } }
      const [decider] = [{ ...deciders[0], definition: { ...definition, state } }]
      const repositories = { counter: 'stateStored' } as const
      return app('stateful', {
        contexts: [context('counter', { deciders: [decider], projections, repositories })],
      })
    }
    const fine = await verify(
      older,
      migrated((stored) => stored),
    )
    expect(fine.findings).toEqual([])
    expect(fine.verified.logs[0]?.states).toEqual({ compared: 10, others: 0 })
    const { findings } = await verify(
      older,
      migrated(() => 99),
    )
    expect(findings.map(({ code }) => code)).toEqual(Array(10).fill('STATE_DIFFERS'))
    const snapshots = app('stateful', {
      contexts: [context('counter', { deciders: migrated(() => 99).contexts[0].deciders, projections })],
    })
    const other = await verify(older, snapshots)
    expect([other.findings, other.verified.logs[0]?.states]).toEqual([[], { compared: 0, others: 10 }])
  })

  test('is compared with a fold: documents that commit with their events', async () => {
    await countUp(data, keeping, 100)
    const { verified } = await verify(data, keeping)
    expect(verified.projections).toMatchObject([
      { projection: 'totals', result: { status: 'compared', documents: 10, differing: 0 } },
    ])
    const file = join(data, 'keeping', 'write.sqlite')
    change(file, `UPDATE ${tablesOf(file)[0]} SET data = '{"total":0}' WHERE key = 's1'`)
    const { findings } = await verify(data, keeping)
    expect(findings).toMatchObject([{ code: 'READ_MODEL_DIFFERS', position: 100 }])
  })

  test('is left out, and said to be, when the app is not known', async () => {
    const { verified, findings } = await verify(data, undefined)
    expect(findings).toEqual([])
    expect(verified).toMatchObject({ isWhole: false, projections: [] })
    const { code, stdout } = await rampart('verify', '--data', data, module)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^(?:keeping|stateful)\n.*\n {2}read models and states were not compared/m)
  })
})

function tablesOf(file: string): readonly string[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT number FROM collections WHERE is_live = 1').all()
  database.close()
  return rows.map((row) => `documents_${String(row['number'])}`)
}

test('keeps anchors, holds logs against them, and speaks to programs', async () => {
  const data = join(folder, 'anchored')
  const anchor = join(folder, 'anchor.json')
  await countUp(data, counter, 30)
  const args = ['verify', '--data', data, '--json', '--anchor', anchor]
  expect(await rampart(...args)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/cannot be read: make one with --write-anchor/),
  })
  await writeFile(anchor, '{"anchors":[{}]}')
  expect(await rampart(...args)).toMatchObject({ code: 2 })
  expect((await rampart('verify', '--data', data, '--write-anchor', anchor)).code).toBe(0)
  const fine = await rampart(...args)
  expect(fine.code).toBe(0)
  expect(JSON.parse(fine.stdout)).toMatchObject({
    apps: [{ app: 'counter', logs: [{ events: 30, unsealed: 0 }], projections: [] }],
    findings: [],
    anchors: JSON.parse(await readFile(anchor, 'utf8')).anchors,
  })
  const file = join(data, 'counter', 'write.sqlite')
  change(file, 'DELETE FROM seals; DELETE FROM events WHERE place > (1 << 43) + 20')
  const before = await readFile(anchor, 'utf8')
  const cut = await rampart(...args, '--write-anchor', anchor)
  expect(cut.code).toBe(1)
  expect(JSON.parse(cut.stdout).findings).toMatchObject([
    {
      app: 'counter',
      code: 'TAIL_CUT',
      log: 'default/counter/0',
      advice: expect.stringMatching(/restore a newer backup/),
    },
  ])
  expect(cut.stderr).toMatch(/was not written, because something was found/)
  expect(await readFile(anchor, 'utf8')).toBe(before)
  await rm(file)
  const lost = await rampart(...args)
  expect(lost.code).toBe(1)
  expect(JSON.parse(lost.stdout).findings).toMatchObject([
    { app: 'counter', code: 'TAIL_CUT', what: 'the anchor names this app, whose store is not there' },
  ])
})

test('ends with 1 where something was found, also for who reads none of it', async () => {
  const data = join(folder, 'unread')
  await countUp(data, counter, 3)
  change(join(data, 'counter', 'write.sqlite'), "UPDATE events SET actor = 'eve'")
  const script = `{ '${process.execPath}' '${bin}' verify --data '${data}'; echo $? >&2; } | true`
  expect((await promisify(execFile)('sh', ['-c', script])).stderr).toMatch(/^1$/m)
})

test('is told so when there is nothing to look at, or no store', async () => {
  const nowhere = join(folder, 'nowhere')
  expect((await runProcess('verify', '--data', nowhere)).code).toBe(2)
  await countUp(nowhere, counter, 1)
  await writeFile(join(nowhere, 'counter', 'write.sqlite'), 'no database at all')
  const { code, stdout } = await rampart('verify', '--data', nowhere)
  expect(code).toBe(1)
  expect(stdout).toMatch(/^FILE_DAMAGED {2}counter {2}.*The file is damaged or is no SQLite database/)
})
