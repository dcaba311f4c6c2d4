// Full commands in process: look up the key, decide, append with outcome; beside the raw file and the store
// alone.
import { openApp } from 'rampart/host'
import { drive, measure, ratio, type Round, type Work } from '../measure.ts'
import { milliseconds, rate, times, type Bench } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { rawFile, store } from './appends.ts'
import { bank, deposit, writeOnlyBank } from './bank.ts'

const streams = 5000

/** Measures and prints commands. */
export async function benchCommands({ report, rounds, scale }: Bench): Promise<void> {
  for (const callers of [1, 64, 256]) {
    const operations = Math.ceil((callers === 1 ? 1500 : 15_000) * scale)
    const limit = 'raw file, write + fdatasync'
    const alone = "store alone, caller's thread"
    const work: readonly Work[] = [
      { name: limit, round: () => rawFile(callers, operations) },
      { name: alone, round: () => store('caller', callers, operations) },
      { name: 'commands on distinct streams', round: () => commands(callers, operations, streams) },
      { name: 'commands on one stream', round: () => commands(callers, operations, 1) },
      { name: 'command, then read by its token', round: () => readable(callers, operations) },
    ]
    const measured = await measure(work, rounds)
    const rows = measured.map(({ name, perSecond, p50Ms, p99Ms }) => [
      name,
      rate(perSecond),
      milliseconds(p50Ms),
      milliseconds(p99Ms),
      times(ratio(measured, name, limit)),
      times(ratio(measured, name, alone)),
    ])
    const title = `Commands in process, ${callers} ${callers === 1 ? 'caller' : 'callers'}, caller's thread`
    report.table(title, [['', 'rate', 'p50', 'p99', 'of raw file', 'of store alone'], ...rows])
  }
}

function commands(callers: number, operations: number, streamCount: number): Promise<Round> {
  return inTemporaryFolder(async (dataFolder) => {
    await using running = await openApp(writeOnlyBank, { dataFolder })
    return await drive(callers, operations, async (operation) => {
      const stream = running.stream('account', `account-${operation % streamCount}`)
      const answer = await stream.Deposit(deposit(operation), { key: `deposit-${operation}` })
      if (answer.status !== 'succeeded') throw new Error(`A deposit came to ${answer.status}.`)
    })
  })
}

function readable(callers: number, operations: number): Promise<Round> {
  return inTemporaryFolder(async (dataFolder) => {
    await using running = await openApp(bank, { dataFolder })
    return await drive(callers, operations, async (operation) => {
      const id = `account-${operation % streams}`
      const after = await running
        .stream('account', id)
        .Deposit(deposit(operation), { key: `deposit-${operation}` })
      const document = await running.read('balances').get(id, { after })
      if (document === undefined) throw new Error('A document that was waited for is not there.')
    })
  })
}
