// What an append costs once two million events are recorded, beside what it costs in an empty store.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemRuntime } from 'rampart'
import { logKey, type EventStore } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
import { drive, measure, ratio, sizesAt, type Round, type Work } from '../measure.ts'
import { microseconds, milliseconds, rate, times, type Bench, type Demand } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { deposit } from './appends.ts'

const callers = 256
const eventsRecorded = 2_000_000
const eventsPerRound = 50_000
const streamsAtOnce = 5000
/** How many events a stream gets before another one takes its place. */
const eventsPerStream = 20

/** How events come in. */
interface Shape {
  readonly name: string
  readonly commandId: () => string
  readonly demand: Demand
}

const shapes: readonly Shape[] = [
  {
    name: 'ids in order of time',
    commandId: () => systemRuntime.uuid(),
    demand: { atLeast: 0.8 },
  },
  {
    name: 'random ids',
    commandId: () => randomUUID(),
    demand: { atLeast: 0.4 },
  },
]

/** Measures and prints what appends cost in a small and in a large store. */
export async function benchGrowth({ report, rounds, scale }: Bench): Promise<void> {
  const filled = Math.ceil(eventsRecorded * scale)
  const operations = Math.ceil(eventsPerRound * scale)
  for (const { name, demand, ...shape } of sizesAt(scale, shapes)) {
    // oxlint-disable-next-line no-await-in-loop -- parts that ran at once would measure each other
    await inTemporaryFolder(async (folder) => {
      await using large = await openGrowing(join(folder, 'large.sqlite'), shape)
      await large.grow(filled)
      const limit = 'from empty'
      const work: readonly Work[] = [
        { name: limit, round: () => fromEmpty(shape, operations) },
        { name: `behind ${filled} events`, round: () => large.grow(operations) },
      ]
      const measured = await measure(work, rounds)
      const rows = measured.map((each) => [
        each.name,
        rate(each.perSecond),
        milliseconds(each.p50Ms),
        milliseconds(each.p99Ms),
        microseconds(each.cpuUs),
        times(ratio(measured, each.name, limit), each.name === limit ? undefined : demand),
      ])
      const shaped = `streams of ${eventsPerStream} events, ${name}`
      const title = `Growth, ${callers} callers, caller's thread, ${shaped}`
      report.table(title, [['', 'rate', 'p50', 'p99', 'CPU each', 'of the empty one'], ...rows])
    })
  }
}

type Growth = Pick<Shape, 'commandId'>

interface Growing extends AsyncDisposable {
  /** Appends so many events more. */
  readonly grow: (operations: number) => Promise<Round>
}

function fromEmpty(shape: Growth, operations: number): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    await using small = await openGrowing(join(folder, 'small.sqlite'), shape)
    return await small.grow(operations)
  })
}

async function openGrowing(file: string, shape: Growth): Promise<Growing> {
  const database = await openSqliteStore({ file, thread: 'caller' })
  const log = await database.openLog(logKey('bench'))
  let recorded = 0
  return {
    async grow(operations) {
      const round = await drive(callers, operations, (operation) => append(log, shape, recorded + operation))
      recorded += operations
      return round
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

/** The stream of an event and its version follow from its number. */
async function append(log: EventStore, shape: Growth, number: number): Promise<void> {
  const turn = Math.floor(number / streamsAtOnce)
  const generation = Math.floor(turn / eventsPerStream)
  const version = turn - generation * eventsPerStream
  const id = `account-${generation}-${number % streamsAtOnce}`
  const result = await log.append(deposit({ id, version, commandId: shape.commandId() }))
  if (result.status !== 'appended') throw new Error(`The append came to ${result.status}.`)
}
