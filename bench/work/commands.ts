// Full commands in process: look up the key, decide, append with outcome; beside the raw file and the store
// alone.
import { randomUUID } from 'node:crypto'
import { openApp } from 'rampart/host'
import {
  drive,
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
import { appendsBefore, noteBefore, rawFile, store, type StoreRound } from './appends.ts'
import { bank, deposit, writeOnlyBank } from './bank.ts'

const streams = 5000

const raw = 'raw file, write + fdatasync'
const alone = "store alone, caller's thread"
const aloneInWorker = 'store alone, worker thread'
const distinct = "commands, caller's thread"
const distinctInWorker = 'commands, worker thread'
const chained = "commands on one stream, caller's thread"
const read = 'command, then read by its token'

/** Measures and prints commands. */
export async function benchCommands({ report, rounds, scale }: Bench): Promise<void> {
  report.note('The store alone appends the rows that the commands append, with ids as keys give them.')
  for (const callers of sizesAt(scale, [1, 64, 256])) {
    const operations = Math.ceil((callers === 1 ? 1500 : 60_000) * scale)
    const sized = { callers, before: Math.ceil(appendsBefore * scale), ...sealedPeriod(scale) }
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

interface CommandRound extends Omit<StoreRound, 'idOf'> {
  readonly streams: number
}

function commands({ thread, streams: count, ...sized }: CommandRound): Promise<Round> {
  return inTemporaryFolder(async (dataFolder) => {
    await using running = await openApp(writeOnlyBank, { dataFolder, thread })
    return await driveBoth(sized, async (operation, data) => {
      const stream = running.stream('account', `account-${operation % count}`)
      const answer = await stream.Deposit(data, { key: `deposit-${operation}` })
      if (answer.status !== 'succeeded') throw new Error(`A deposit came to ${answer.status}.`)
    })
  })
}

function readable(sized: Omit<CommandRound, 'thread' | 'streams'>): Promise<Round> {
  return inTemporaryFolder(async (dataFolder) => {
    await using running = await openApp(bank, { dataFolder })
    return await driveBoth(sized, async (operation, data) => {
      const id = `account-${operation % streams}`
      const after = await running.stream('account', id).Deposit(data, { key: `deposit-${operation}` })
      const document = await running.read('balances').get(id, { after })
      if (document === undefined) throw new Error('A document that was waited for is not there.')
    })
  })
}

/** The sealer has looked once more by then, and sealed what came first. */
const sealedAfterMs = 1000

/** Drives the large commands that come first, and those that count. */
async function driveBoth(
  { callers, before, leadInMs, measuredMs }: Omit<CommandRound, 'thread' | 'streams'>,
  operate: (operation: number, data: ReturnType<typeof deposit>) => Promise<void>,
): Promise<Round> {
  await drive(256, before, (operation) => operate(operation, { ...deposit(operation), note: noteBefore }))
  const period = { leadInMs: leadInMs + (before > 0 ? sealedAfterMs : 0), measuredMs }
  return driveFor(callers, period, (operation) => operate(before + operation, deposit(operation)))
}
