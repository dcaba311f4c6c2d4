// Several writer processes on one log of one PostgreSQL, with as many callers in all as one process has.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openPostgresStore } from 'rampart/postgres'
import { measure, ratio, sealedPeriod, type Period, type PeriodRound, type Round } from '../measure.ts'
import { expectRows, withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { milliseconds, rate, times, type Bench } from '../report.ts'
import type { Writing } from './postgres-writer.ts'

const callersInAll = 64
const appendsBefore = 300
const one = '1 process'
const shapes = [
  { name: one, processes: 1, demand: undefined },
  { name: '2 processes', processes: 2, demand: { atLeast: 0.6 } },
  { name: '4 processes', processes: 4, demand: { atLeast: 0.35 } },
] as const

/** Measures and prints appends by several processes. */
export async function benchPostgresWriters({ report, rounds, scale }: Bench): Promise<void> {
  const period = sealedPeriod(scale)
  await withPostgres(async (server) => {
    const work = shapes.map(({ name, processes }) => ({
      name,
      round: () => writersRound(server, processes, period),
    }))
    const measured = await measure(work, rounds)
    const rows = measured.map((each, index) => [
      each.name,
      rate(each.perSecond),
      milliseconds(each.p50Ms),
      milliseconds(each.p99Ms),
      times(ratio(measured, each.name, one), shapes[index]?.demand),
    ])
    const title = `PostgreSQL: one event to new streams by several processes, ${callersInAll} callers in all`
    report.table(title, [['', 'rate', 'p50', 'p99', `of ${one}`], ...rows])
    report.note(`${server.version}; client and server share the machine.`)
  })
}

function writersRound(server: BenchPostgres, processes: number, period: Period): Promise<Round> {
  return server.inDatabase(async (url) => {
    await (await openPostgresStore({ url }))[Symbol.asyncDispose]()
    const writers = await Promise.all(
      Array.from({ length: processes }, (_, index) =>
        startWriter({ url, name: String(index), callers: callersInAll / processes, ...period }),
      ),
    )
    const written = await Promise.all(writers.map((go) => go()))
    const latenciesMs = written.flatMap((round) => round.latenciesMs)
    const elapsedMs = Math.max(...written.map((round) => round.elapsedMs))
    const recorded = sum(written.map(({ operationsInAll }) => operationsInAll)) + appendsBefore * processes
    await expectRows(url, 'rampart_write.events', recorded)
    return { operations: sum(written.map(({ operations }) => operations)), elapsedMs, latenciesMs }
  })
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0)
}

/** Resolves when the writer is ready; what it gives starts it and tells what it did. */
async function startWriter(writing: Writing): Promise<() => Promise<PeriodRound>> {
  const script = join(import.meta.dirname, 'postgres-writer.ts')
  const args = ['--conditions=rampart-source', script, JSON.stringify(writing)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return async () => {
    child.stdin.write('go\n')
    const { value } = await lines.next()
    await ended
    // What the script prints.
    const round: PeriodRound = JSON.parse(String(value))
    return round
  }
}
