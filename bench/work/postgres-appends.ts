// Durable, version-checked appends on PostgreSQL, to new and to existing streams, beside what the server can
// do at most and beside other event stores.
import { systemRuntime } from 'rampart'
import { encodeEvent } from 'rampart/codec'
import { logKey, type AppendRequest } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import { createSealer } from 'rampart/seal'
import { installPeers } from '../install-peers.ts'
import { openBareLoop } from '../limits/bare-postgres.ts'
import { copyRows, pgbench, unnestBatches } from '../limits/postgres-rows.ts'
import {
  drive,
  driveFor,
  measure,
  ratio,
  sealedPeriod,
  type Measured,
  type Period,
  type PeriodRound,
  type Round,
  type Work,
} from '../measure.ts'
import { expectRows, withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { microseconds, milliseconds, rate, times, type Bench, type Demand } from '../report.ts'
import { accountEvents, deposit } from './bank.ts'
import {
  castore,
  emmett,
  evtstore,
  messageDb,
  peers,
  peersText,
  withPeer,
  type Peer,
} from './postgres-peers.ts'

const own = 'Rampart'
const bare = 'bare group commit'
const encoder = new TextEncoder()

/** Which streams get the events. */
interface Shape {
  readonly title: string
  readonly callers: number
  /** How many streams take turns; each append makes a new one when absent. */
  readonly streams?: number
}

const shapes: readonly Shape[] = [
  { title: 'one event to new streams', callers: 64 },
  { title: 'one event to new streams', callers: 256 },
  { title: 'one event to existing streams', callers: 64, streams: 300 },
  // Last: a lone caller waits for all code that V8 has not compiled by then, of whoever has most of it.
  { title: 'one event to new streams', callers: 1 },
]

/** Measures and prints appends on PostgreSQL. */
export async function benchPostgresAppends({ report, rounds, scale }: Bench): Promise<void> {
  await installPeers(report)
  await withPostgres(async (server) => {
    report.note(`${server.version} with its default settings; ${peersText()}.`)
    if (server.tools === undefined)
      report.note('pgbench and COPY are left out: the embedded server has no tools.')
    for (const shape of shapes) {
      const timed = { ...shape, ...sealedPeriod(scale) }
      // oxlint-disable-next-line no-await-in-loop -- parts that ran at once would measure each other
      const measured = await measure(workOf(server, timed), rounds)
      const rows = measured.map((each) => [
        each.name,
        rate(each.perSecond),
        milliseconds(each.p50Ms),
        milliseconds(each.p99Ms),
        microseconds(each.cpuUs),
        ...[bare, ...peers.map(({ name }) => name)].map((limit) =>
          times(
            ratio(measured, each.name, limit),
            each.name === own ? demandOf(shape, limit, measured) : undefined,
          ),
        ),
      ])
      const head = [
        '',
        'rate',
        'p50',
        'p99',
        'CPU each',
        `of ${bare}`,
        ...peers.map(({ name }) => `of ${name}`),
      ]
      report.table(`PostgreSQL: ${shape.title}, ${callersText(shape)}`, [head, ...rows])
    }
  })
}

function callersText({ callers }: Shape): string {
  return callers === 1 ? '1 caller' : `${callers} callers`
}

/** What Rampart is held to beside each of the others. */
function demandOf(shape: Shape, limit: string, measured: readonly Measured[]): Demand | undefined {
  const fastest = measured
    .filter(({ name }) => peers.some((peer) => peer.name === name))
    .reduce((best, each) => (each.perSecond > best.perSecond ? each : best))
  if (limit === bare) return shape.callers > 1 ? { atLeast: 0.6 } : undefined
  if (shape.callers === 1) return limit === fastest.name ? { atLeast: 1 } : undefined
  if (shape.callers === 256) return limit === emmett.name ? { atLeast: 20 } : undefined
  if (limit === emmett.name || limit === messageDb.name) return { atLeast: 10, goal: 20 }
  return limit === fastest.name && shape.streams === undefined ? { atLeast: 4, goal: 8 } : undefined
}

interface Timed extends Shape, Period {}

function workOf(server: BenchPostgres, shape: Timed): readonly Work[] {
  const { callers, streams } = shape
  const rows: readonly Work[] = [
    ...(server.tools === undefined
      ? []
      : [{ name: 'pgbench, a row a transaction', round: () => pgbench(server, callers) }]),
    ...(callers === 256
      ? [{ name: 'unnest, 1,000 rows a statement', round: () => unnestBatches(server) }]
      : []),
    ...(callers === 256 && server.tools !== undefined
      ? [{ name: 'COPY', round: () => copyRows(server) }]
      : []),
  ]
  return [
    ...(streams === undefined ? rows : []),
    { name: bare, round: () => bareRound(server, shape) },
    ...[emmett, messageDb, evtstore, castore].map((kind) => ({
      name: kind.name,
      round: () => withPeer(server, kind, (peer) => peerRound(peer, shape)),
    })),
    { name: own, round: () => ownRound(server, shape) },
  ]
}

type Append = (stream: string, version: number, operation: number) => Promise<unknown>

/** Drives appends, after some that are not measured: of one event to each existing stream, or to others. */
async function appendsRound({ callers, streams, ...period }: Timed, append: Append): Promise<PeriodRound> {
  await drive(callers, streams ?? streamsBefore, (stream) => append(`account-${stream}`, 0, stream))
  return driveFor(callers, period, (operation) =>
    streams === undefined
      ? append(`account-new-${operation}`, 0, operation)
      : append(`account-${operation % streams}`, 1 + Math.floor(operation / streams), operation),
  )
}

/** By these, connections and plans are made, and code gets warm. */
const streamsBefore = 300

async function peerRound(peer: Peer, shape: Timed): Promise<Round> {
  const round = await appendsRound(shape, (stream, version, operation) =>
    peer.append(stream, version, deposit(operation)),
  )
  const recorded = await peer.count()
  const expected = recordedBy(shape, round)
  if (recorded !== expected) throw new Error(`A peer recorded ${recorded} events instead of ${expected}.`)
  return round
}

function recordedBy({ streams = streamsBefore }: Shape, { operationsInAll }: PeriodRound): number {
  return streams + operationsInAll
}

async function bareRound(server: BenchPostgres, shape: Timed): Promise<Round> {
  return server.inDatabase(async (url) => {
    await (await openPostgresStore({ url }))[Symbol.asyncDispose]()
    await using loop = await openBareLoop(url)
    const round = await appendsRound(shape, (stream, version, operation) =>
      loop.append(stream, version + 1, encoder.encode(JSON.stringify(deposit(operation)))),
    )
    await expectRows(url, 'rampart_write.events', recordedBy(shape, round))
    return round
  })
}

/** Rampart's store with a command id, an outcome and seals, as a host runs it. */
function ownRound(server: BenchPostgres, shape: Timed): Promise<Round> {
  return server.inDatabase(async (url) => {
    await using store = await openPostgresStore({ url })
    const log = await store.openLog(logKey('bench'))
    const sealer = createSealer({ store: log, runtime: systemRuntime })
    const round = await appendsRound(shape, async (stream, version, operation) => {
      const { status } = await log.append(requestOf(stream, version, { operation }))
      if (status !== 'appended') throw new Error(`The append came to ${status}.`)
    })
    await sealer.stop()
    await expectRows(url, 'rampart_write.events', recordedBy(shape, round))
    return round
  })
}

/** An append of one event of about 300 bytes, as a command makes it: with its id and its outcome. */
export function requestOf(
  id: string,
  version: number,
  {
    operation,
    commandId = systemRuntime.uuid(),
  }: { readonly operation: number; readonly commandId?: string },
): AppendRequest {
  const { stored } = encodeEvent(accountEvents, accountEvents.make.MoneyDeposited(deposit(operation)))
  // Ids and versions are made here in the form that their brands promise.
  return {
    writes: [{ decider: 'account', id, expectedVersion: version, events: [stored] }],
    command: {
      id: commandId,
      fingerprint: 'q83vEjRWeJq83vEjRWeJqw',
      outcome: { status: 'succeeded', streamId: id },
      expiresAtMs: null,
    },
    correlationId: commandId,
    causationId: commandId,
  } as unknown as AppendRequest
}
