// Keeps the benchmarks running: each part at a tiny size, and what the figures are held to. Says nothing
// about speed.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { figure, isMet } from './report.ts'
import { rampart } from './work/restate.ts'

// Parts with peers are left out, which would have to be installed.
/** Parts without servers of their own. */
const quick = ['appends', 'commands', 'growth', 'loads', 'dispatch', 'catch-up', 'live', 'open']
const onPostgres = ['postgres-snapshots', 'postgres-growth']
/** Parts that start many processes; `FAULTS=all npx vitest run bench` runs them, too. */
const inProcesses = ['postgres-http', 'postgres-writers']

const groups = [
  ['quick part', true, quick],
  ['part on PostgreSQL', true, onPostgres],
  ['part in several processes', process.env['FAULTS'] === 'all', inProcesses],
] as const

describe.each(groups)('every %s', { timeout: 300_000 }, (_, canRun, parts) => {
  test.runIf(canRun)('runs at a tiny size and prints figures as JSON', async () => {
    const { tables, machine } = JSON.parse(
      await bench('--scale', '0.0005', '--rounds', '1', '--json', ...only(parts)),
    )
    expect(machine).toMatchObject({ cores: expect.any(Number), node: process.version })
    expect(tables.length).toBeGreaterThanOrEqual(parts.length)
    for (const { rows } of tables) {
      expect(rows.length).toBeGreaterThan(0)
      for (const row of rows) {
        const figures = Object.values(row).filter((cell) => typeof cell === 'object')
        expect(figures).not.toEqual([])
        for (const one of figures) expect(one).toMatchObject({ value: expect.any(Number) })
      }
    }
  })
})

test('callers in a process of their own are answered by a gateway', async () => {
  const called = await rampart({ callers: 3, warmUpMs: 0, durationMs: 20, accounts: 2 })
  expect(called.operations).toBeGreaterThanOrEqual(3)
  expect(called.latenciesMs).toHaveLength(called.operations)
})

test('a part that does not exist is named together with those that do', async () => {
  await expect(bench('--only', 'dreams')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no part dreams.*appends/),
  })
})

test('a figure is held to its floor or to its ceiling', () => {
  expect(isMet(figure(0.6, '×', { atLeast: 0.6 }))).toBe(true)
  expect(isMet(figure(0.59, '×', { atLeast: 0.6 }))).toBe(false)
  expect(isMet(figure(99, 'ms', { below: 100 }))).toBe(true)
  expect(isMet(figure(100, 'ms', { below: 100 }))).toBe(false)
  expect(isMet(figure(1, '/s'))).toBe(true)
})

function only(parts: readonly string[]): readonly string[] {
  return parts.flatMap((part) => ['--only', part])
}

async function bench(...options: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, 'main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=rampart-source',
    script,
    ...options,
  ])
  return stdout
}
