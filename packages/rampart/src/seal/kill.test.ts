// Proves on SQLite that a sealer may be killed at any moment: what is sealed fits, and the chain goes on.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { openSqliteStore } from '../sqlite/index.ts'
import { createIdSet, openSqliteInspection } from '../sqlite/inspection/index.ts'
import { createSealer, verifyIndexes, verifyLog, type Finding } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-seal-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const script = fileURLToPath(new URL('./test/sealed-flood.ts', import.meta.url))

async function verify(file: string) {
  const findings: Finding[] = []
  await using store = openSqliteInspection(file)
  const [log] = store.logs
  if (log === undefined) return { findings, seals: 0, unsealed: 0 }
  const report = (finding: Finding): void => void findings.push(finding)
  const options = { anchor: undefined, report, createIdSet, onProgress: () => {} }
  const { seals, unsealed } = await verifyLog(log, options)
  await verifyIndexes(store, report)
  return { findings, seals, unsealed }
}

/** How many seals there are, as a look from beside tells. */
function countSeals(file: string): number {
  try {
    using database = new DatabaseSync(file, { readOnly: true })
    return Number(database.prepare('SELECT count(*) AS seals FROM seals').get()?.['seals'])
  } catch {
    // The file is not there yet, or has no tables.
    return 0
  }
}

/** Runs the flood until there are more seals than before, and kills it. */
async function floodAndKill(file: string, before: number): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, script, file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  try {
    await expect.poll(() => countSeals(file), { interval: 20 }).toBeGreaterThan(before)
  } finally {
    child.kill('SIGKILL')
  }
  expect(await ended).toBe('SIGKILL')
}

test('a sealer that is killed leaves a chain that fits, and the next one goes on with it', async () => {
  const file = join(folder, 'write.sqlite')
  let before = 0
  for (let round = 0; round < 2; round++) {
    await floodAndKill(file, before)
    const found = await verify(file)
    expect(found.findings).toEqual([])
    before = found.seals
  }
  {
    await using store = await openSqliteStore({ file, thread: 'caller' })
    const sealer = createSealer({ store: await store.openLog('default/flood/0'), runtime: systemRuntime })
    await expect.poll(() => countSeals(file), { interval: 20 }).toBeGreaterThan(before)
    await sealer.stop()
  }
  expect(await verify(file)).toMatchObject({ findings: [] })
})
