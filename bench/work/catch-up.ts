// Catching up with a long log: from events to keyed documents, beside reading and parsing the same rows.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemRuntime } from 'rampart'
import { position } from 'rampart/codec'
import { logKey } from 'rampart/ports'
import { openSqliteReadStore, openSqliteStore } from 'rampart/sqlite'
// The runner itself, because only it tells at once what its documents contain.
import { createProjectionRunner } from '../../packages/rampart/src/projection/create-projection-runner.ts'
import { measure, ratio, sizesAt, startRound, type Round, type Work } from '../measure.ts'
import { figure, microseconds, rate, times, type Bench, type Figure } from '../report.ts'
import { flagsOfRun, withProgram } from '../server-process.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { groups } from './bank.ts'
import { fillLog, storeFile } from './fill-log.ts'
import { untilReached } from './until-reached.ts'

const decoder = new TextDecoder()

const floors = [
  { groupCount: 30, atLeast: 0.6, goal: 0.85 },
  { groupCount: 5000, atLeast: 0.3, goal: 0.5 },
] as const
const projecting = "projection, documents committed, caller's thread"

/** Measures and prints catching up. */
export async function benchCatchUp({ report, rounds, scale }: Bench): Promise<void> {
  const eventCount = Math.ceil(500_000 * scale)
  for (const { groupCount, atLeast, goal } of sizesAt(scale, floors)) {
    await inTemporaryFolder(async (dataFolder) => {
      await fillLog(dataFolder, eventCount, groupCount)
      const limit = 'read + parse'
      const work: readonly Work[] = [
        { name: limit, round: () => Promise.resolve(readAndParse(dataFolder)) },
        { name: 'store, pages to fold', round: () => readLog(dataFolder) },
        { name: projecting, round: () => catchUp(dataFolder, 'caller') },
        { name: 'the same, worker threads', round: () => catchUp(dataFolder, 'worker') },
      ]
      const measured = await measure(work, rounds)
      const rows = measured.map(({ name, perSecond, cpuUs }) => [
        name,
        rate(perSecond),
        microseconds(cpuUs),
        times(ratio(measured, name, limit), name === projecting ? { atLeast, goal } : undefined),
      ])
      const title = `Catching up, ${eventCount} events into ${groupCount} documents, batches of 1,000`
      report.table(title, [['', 'events', 'CPU each', 'of read + parse'], ...rows])
      if (groupCount === 5000) await reportMemory({ report, scale, dataFolder, title })
    })
  }
}

/** The driver's own speed: every row's payload in pages of 1,000, decoded and parsed, and nothing else. */
function readAndParse(dataFolder: string): Round {
  const database = new DatabaseSync(storeFile(dataFolder), { readOnly: true })
  const page = database.prepare('SELECT rowid, payload FROM events WHERE rowid > ? ORDER BY rowid LIMIT 1000')
  page.setReturnArrays(true)
  const end = startRound()
  let operations = 0
  let cents = 0
  for (let after = 0; ;) {
    // The arrays have the two columns that the statement names.
    const rows = page.all(after) as unknown as readonly (readonly [number, Uint8Array])[]
    for (const [, payload] of rows) cents += JSON.parse(decoder.decode(payload)).cents
    const last = rows.at(-1)
    if (last === undefined) break
    after = last[0]
    operations += rows.length
  }
  const round = end(operations)
  database.close()
  if (cents === 0) throw new Error('The log is empty.')
  return round
}

async function readLog(dataFolder: string): Promise<Round> {
  await using database = await openSqliteStore({ file: storeFile(dataFolder), thread: 'caller' })
  const log = await database.openLog(logKey('bank'))
  const end = startRound()
  let operations = 0
  for await (const page of log.readToFold({ after: position(0) })) operations += page.events.length
  return end(operations)
}

async function catchUp(dataFolder: string, thread: 'caller' | 'worker'): Promise<Round> {
  await forgetReadModels(dataFolder)
  await using database = await openSqliteStore({ file: storeFile(dataFolder), thread })
  const store = await database.openLog(logKey('bank'))
  const head = await store.head()
  await using readStore = await openSqliteReadStore({
    file: join(dataFolder, 'bank', 'reads.sqlite'),
    thread,
  })
  const end = startRound()
  const runner = await createProjectionRunner({
    projection: groups,
    store,
    readStore,
    runtime: systemRuntime,
  })
  await untilReached(runner, head)
  const round = end(head.position)
  await runner.stop()
  return round
}

/** The memory of a server that catches up, with the flags that `rampart run` gives to V8 and without. */
async function reportMemory({ report, scale, dataFolder, title }: Memory): Promise<void> {
  const rows: (readonly [string, Figure])[] = []
  for (const flags of sizesAt(scale, [[], flagsOfRun])) {
    // oxlint-disable-next-line no-await-in-loop -- they would catch up with one log at once
    await forgetReadModels(dataFolder)
    const script = join(import.meta.dirname, 'catch-up-server.ts')
    const args = [...flags, '--conditions=rampart-source', script]
    const env = { RAMPART_DATA: dataFolder, PORT: '0', HOST: '127.0.0.1', RAMPART_JWT_SECRET: '' }
    // oxlint-disable-next-line no-await-in-loop -- the same
    await withProgram({ file: process.execPath, args, env }, async (child) => {
      for await (const line of child.stdout ?? []) {
        const name = flags.length === 0 ? 'server, without flags' : 'server, as `rampart run` starts it'
        rows.push([name, figure(Number(line), 'MB', { below: 300 })])
        break
      }
    })
  }
  report.table(`${title}: most memory of the process`, [['', 'resident'], ...rows])
}

interface Memory extends Pick<Bench, 'report' | 'scale'> {
  readonly dataFolder: string
  readonly title: string
}

async function forgetReadModels(dataFolder: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) {
    await rm(join(dataFolder, 'bank', `reads.sqlite${suffix}`), { force: true })
  }
}
