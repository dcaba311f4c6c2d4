// Full commands in process: look up the key, decide, append with outcome; beside the raw file and the store
// alone.
import { randomUUID } from 'node:crypto'
import { openApp } from 'rampart/host'
import {
  driveFor,
  measure,
  ratio,
  sealedPeriod,
  sizesAt,
  type Measured,
  type Round,
  type Work,
} from '../measure.ts'
import { microseconds, milliseconds, rate, times, type Bench, type Cell } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { rawFile, store, type StoreRound } from './appends.ts'
import { bank, deposit, writeOnlyBank } from './bank.ts'

const streams = 5000

const raw = 'raw file, write + fdatasync'
const alone = "store alone, caller's thread"
const aloneInWorker = 'store alone, worker thread'
const distinct = "commands, caller's thread"
const distinctInWorker = 'commands, worker thread'
const chained = "commands on one stream, caller's thread"
const read = 'command, then read by its token'

/**
 * How long a lone caller leads in, who does little in a while. After half a second a read by its token took
 * 3.6 and 3.9 commits, after this 3.0.
 */
const loneLeadInMs = 2500

/** Measures and prints commands. */
export async function benchCommands({ report, rounds, scale }: Bench): Promise<void> {
  report.note('The store alone appends the rows that the commands append, with ids as keys give them.')
  for (const callers of sizesAt(scale, [1, 64, 256])) {
    const operations = Math.ceil((callers === 1 ? 1500 : 60_000) * scale)
    const period = sealedPeriod(scale)
    const leadInMs = callers === 1 ? loneLeadInMs * scale : period.leadInMs
    const sized = { callers, before: 0, ...period, leadInMs }
    const inWorker: readonly Work[] = [
      { name: aloneInWorker, round: () => store({ ...sized, thread: 'worker', idOf: () => randomUUID() }) },
      { name: distinctInWorker, round: () => commands({ ...sized, thread: 'worker', streams }) },
    ]
    const work: readonly Work[] = [
      { name: raw, round: () => rawFile(callers, operations) },
      { name: alone, round: () => store({ ...sized, thread: 'caller', idOf: () => randomUUID() }) },
      { name: distinct, round: () => commands({ ...sized, thread: 'caller', streams }) },
      ...(callers === 256 ? inWorker : []),
      { name: chained, round: () => commands({ ...sized, thread: 'caller', streams: 1 }) },
      { name: read, round: () => readable(sized) },
    ]
    const measured = await measure(work, rounds)
    const rows = measured.map((each) => [
      each.name,
      rate(each.perSecond),
      milliseconds(each.p50Ms),
      milliseconds(each.p99Ms),
      microseconds(each.cpuUs),
      ...ratiosOf(each.name, callers, measured),
    ])
    const head = [
      '',
      'rate',
      'p50',
      'p99',
      'CPU each',
      'of raw file',
      'of store alone',
      'of distinct',
      'p50s',
    ]
    report.table(`Commands in process, ${callers} ${callers === 1 ? 'caller' : 'callers'}`, [head, ...rows])
  }
}

function ratiosOf(name: string, callers: number, measured: readonly Measured[]): readonly Cell[] {
  const p50Of = (which: string): number => measured.find((each) => each.name === which)?.p50Ms ?? Number.NaN
  const limit = name === distinctInWorker || name === aloneInWorker ? aloneInWorker : alone
  const isPath = name === distinct || name === distinctInWorker
  return [
    times(ratio(measured, name, raw)),
    times(ratio(measured, name, limit), isPath && callers === 256 ? { atLeast: 0.6 } : undefined),
    name === chained
      ? times(ratio(measured, name, distinct), callers === 64 ? { atLeast: 0.3 } : undefined)
      : '',
    name === read && callers === 1 ? times(p50Of(read) / p50Of(alone), { below: 3, goal: 2.2 }) : '',
  ]
}

interface CommandRound extends Omit<StoreRound, 'idOf' | 'before'> {
  readonly streams: number
}

function commands({ thread, callers, streams: count, ...period }: CommandRound): Promise<Round> {
  return inTemporaryFolder(async (dataFolder) => {
    await using running = await openApp(writeOnlyBank, { dataFolder, thread })
    return await driveFor(callers, period, async (operation) => {
      const stream = running.stream('account', `account-${operation % count}`)
      const answer = await stream.Deposit(deposit(operation), { key: `deposit-${operation}` })
      if (answer.status !== 'succeeded') throw new Error(`A deposit came to ${answer.status}.`)
    })
  })
}

function readable({ callers, ...period }: Omit<CommandRound, 'thread' | 'streams'>): Promise<Round> {
  return inTemporaryFolder(async (dataFolder) => {
    await using running = await openApp(bank, { dataFolder })
    return await driveFor(callers, period, async (operation) => {
      const id = `account-${operation % streams}`
      const after = await running
        .stream('account', id)
        .Deposit(deposit(operation), { key: `deposit-${operation}` })
      const document = await running.read('balances').get(id, { after })
      if (document === undefined) throw new Error('A document that was waited for is not there.')
    })
  })
}
