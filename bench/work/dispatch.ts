// What the platform costs around a command: its way to the decider and back without any store, and the whole
// of it in memory, beside a plain map of async functions and the same duties by hand around such a map.
import { context, decider, state, systemRuntime } from 'rampart'
import { position, streamVersion } from 'rampart/codec'
import { openApp } from 'rampart/host'
import { logKey, type EventStore } from 'rampart/ports'
// The service itself, because every way in from outside opens a store.
import { createCommandService } from '../../packages/rampart/src/write/index.ts'
import { drive, measure, ratio, type Round, type Work } from '../measure.ts'
import { microseconds, milliseconds, rate, times, type Bench } from '../report.ts'
import { accountEvents, deposit, depositSchema, writeOnlyBank } from './bank.ts'

const callers = 64
const streams = 5000
type Deposit = ReturnType<typeof deposit>

const dispatching = 'dispatch, no store behind it'

/** Measures and prints dispatch, and commands in memory. */
export async function benchDispatch({ report, rounds, scale }: Bench): Promise<void> {
  const operations = Math.ceil(50_000 * scale)
  const limit = 'plain async map'
  const byHand = 'the same duties by hand'
  const work: readonly Work[] = [
    { name: limit, round: () => plainMap(operations) },
    { name: dispatching, round: () => dispatch(operations) },
    { name: byHand, round: () => dutiesByHand(operations) },
    { name: 'command on the memory store', round: () => commands(operations) },
  ]
  const measured = await measure(work, rounds)
  const rows = measured.map(({ name, perSecond, p50Ms, p99Ms, cpuUs }) => [
    name,
    rate(perSecond),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    microseconds(cpuUs),
    times(ratio(measured, name, limit), name === dispatching ? { atLeast: 0.2, goal: 0.3 } : undefined),
    times(ratio(measured, name, byHand)),
  ])
  report.table(`Dispatch in process, ${callers} callers`, [
    ['', 'rate', 'p50', 'p99', 'CPU each', 'of plain map', 'of by hand'],
    ...rows,
  ])
  report.note(
    'Plain: look a handler up by type, await it, keep the new state in a map. Dispatch: look the ' +
      'command up, check that data is JSON and fits the schema, ask who may send it, make an id, ' +
      'take a turn on the stream, decide, hand the outcome to a store that forgets it at once, ' +
      'answer within a time; no event is recorded. By hand: plain, and validate by the schema, keep ' +
      'the answer under the key, the event as JSON in an array. On the memory store: dispatch with ' +
      'a key, an event, and what keeps them.',
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

const desk = decider(accountEvents, {
  state: state(1, () => ({ cents: 0 })),
  evolve: { MoneyDeposited: (before, { cents }) => ({ cents: before.cents + cents }) },
  may: (caller) => caller?.roles.includes('teller') === true,
  commands: { Look: { schema: depositSchema, refuses: [], decide: () => [] } },
})

const place = { epoch: 'none', position: position(0), eventId: '' }

/** Takes everything and keeps nothing; what dispatch asks of no store is left out. */
const forgetful = {
  log: logKey('bank'),
  append: ({ writes }: Parameters<EventStore['append']>[0]) =>
    Promise.resolve({ status: 'appended', versions: writes.map(() => streamVersion(0)), place }),
  loadState: () => Promise.resolve(undefined),
  async *readStreamToFold() {},
} as unknown as EventStore

async function dispatch(operations: number): Promise<Round> {
  const service = createCommandService({
    context: context('bank', { deciders: [desk] }),
    store: forgetful,
    runtime: systemRuntime,
  })
  const caller = { actor: 'somebody', roles: ['teller'] }
  return drive(callers, operations, async (operation) => {
    const sent = {
      ...caller,
      type: 'Look',
      streamId: `account-${operation % streams}`,
      data: deposit(operation),
    }
    const answer = await service.send(sent, { mode: 'wait', waitMs: 60_000 })
    if (answer.status !== 'succeeded') throw new Error(`A look came to ${answer.status}.`)
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
