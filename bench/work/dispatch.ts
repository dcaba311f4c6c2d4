// What the platform costs around a command when no disk is involved, beside a plain map of async functions,
// and beside the same duties written by hand around such a map.
import { openApp } from 'rampart/host'
import { drive, measure, ratio, type Round, type Work } from '../measure.ts'
import { milliseconds, rate, times, type Bench } from '../report.ts'
import { deposit, depositSchema, writeOnlyBank } from './bank.ts'

const callers = 64
const streams = 5000
type Deposit = ReturnType<typeof deposit>

/** Measures and prints commands in memory. */
export async function benchDispatch({ report, rounds, scale }: Bench): Promise<void> {
  const operations = Math.ceil(50_000 * scale)
  const limit = 'plain async map'
  const byHand = 'the same duties by hand'
  const work: readonly Work[] = [
    { name: limit, round: () => plainMap(operations) },
    { name: byHand, round: () => dutiesByHand(operations) },
    { name: 'command on the memory store', round: () => commands(operations) },
  ]
  const measured = await measure(work, rounds)
  const rows = measured.map(({ name, perSecond, p50Ms, p99Ms }) => [
    name,
    rate(perSecond),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    times(ratio(measured, name, limit), name.startsWith('command') ? { atLeast: 0.2, goal: 0.3 } : undefined),
    times(ratio(measured, name, byHand)),
  ])
  report.table(`Commands in memory, ${callers} callers`, [
    ['', 'rate', 'p50', 'p99', 'of plain map', 'of by hand'],
    ...rows,
  ])
  report.note(
    'Plain: look a handler up by type, await it, keep the new state in a map. By hand, besides: ' +
      'validate by the schema, keep the answer under the key, the event as JSON in an array. ' +
      'A command, besides: check that data is JSON, derive the id, compare fingerprints, take a turn on ' +
      'the stream, record the outcome.',
  )
}

type Handler = (before: number, data: Deposit) => Promise<number>

const handlers = new Map<string, Handler>([['Deposit', async (before, { cents }) => before + cents]])

async function plainMap(operations: number): Promise<Round> {
  const states = new Map<string, number>()
  return drive(callers, operations, async (operation) => {
    const id = `account-${operation % streams}`
    const after = await handlers.get('Deposit')?.(states.get(id) ?? 0, deposit(operation))
    states.set(id, after ?? 0)
  })
}

async function dutiesByHand(operations: number): Promise<Round> {
  const states = new Map<string, number>()
  const answers = new Map<string, { readonly version: number }>()
  const log: string[] = []
  return drive(callers, operations, async (operation) => {
    const id = `account-${operation % streams}`
    const key = `deposit-${operation}`
    if (answers.has(key)) return
    const data = depositSchema.parse(deposit(operation))
    const after = await handlers.get('Deposit')?.(states.get(id) ?? 0, data)
    states.set(id, after ?? 0)
    log.push(JSON.stringify({ type: 'MoneyDeposited', id, data }))
    answers.set(key, { version: log.length })
  })
}

async function commands(operations: number): Promise<Round> {
  await using running = await openApp(writeOnlyBank, { memory: true })
  return await drive(callers, operations, async (operation) => {
    const stream = running.stream('account', `account-${operation % streams}`)
    const answer = await stream.Deposit(deposit(operation), { key: `deposit-${operation}` })
    if (answer.status !== 'succeeded') throw new Error(`A deposit came to ${answer.status}.`)
  })
}
