// Catching up on PostgreSQL: a long log folded into a keyed table, on the same server, beside other event
// stores.
import { systemRuntime } from 'rampart'
import { streamId } from 'rampart/codec'
import { logKey, type EventStore } from 'rampart/ports'
import { openPostgresReadStore, openPostgresStore } from 'rampart/postgres'
// The runner itself, because only it tells at once what its documents contain.
import { createProjectionRunner } from '../../packages/rampart/src/projection/create-projection-runner.ts'
import { installPeers } from '../install-peers.ts'
import { measure, ratio, startRound, type Round, type Work } from '../measure.ts'
import { query, withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { microseconds, rate, times, type Bench, type Demand } from '../report.ts'
import { deposit, groups } from './bank.ts'
import {
  emmett,
  evtstore,
  messageDb,
  peersText,
  withPeer,
  type Peer,
  type PeerKind,
  type Sums,
} from './postgres-peers.ts'
import { untilReached } from './until-reached.ts'

const own = 'Rampart'
const groupCount = 1000
const eventsPerStream = 500
const encoder = new TextEncoder()

/**
 * The peers that can catch up; those that handle event by event get a share of the log that they can
 * finish.
 */
const peers: readonly {
  readonly kind: PeerKind
  readonly share: number
  readonly demand: Demand | undefined
}[] = [
  { kind: emmett, share: 0.02, demand: { atLeast: 50, goal: 100 } },
  { kind: messageDb, share: 1, demand: { atLeast: 1.5, goal: 3 } },
  { kind: evtstore, share: 0.02, demand: undefined },
]

/** Measures and prints catching up on PostgreSQL. */
export async function benchPostgresCatchUp({ report, rounds, scale }: Bench): Promise<void> {
  await installPeers(report)
  const events = Math.ceil((200_000 * scale) / eventsPerStream) * eventsPerStream
  await withPostgres(async (server) => {
    report.note(`${server.version}; ${peersText()}. Castore has no order over its streams.`)
    const shares = peers.map(({ kind, share }) => {
      const count = Math.ceil((events * share) / eventsPerStream) * eventsPerStream
      return { kind, count, name: count === events ? kind.name : `${kind.name}, ${count} events` }
    })
    const measured = await withFilledPeers(server, shares, (opened) =>
      withFilledLog(server, events, (store) => {
        const work: readonly Work[] = [
          ...opened.map(({ name, count, peer }) => ({ name, round: () => peerRound(peer, count) })),
          { name: own, round: () => ownRound(server, store, events) },
        ]
        return measure(work, rounds)
      }),
    )
    const rows = measured.map((each) => [
      each.name,
      rate(each.perSecond),
      microseconds(each.cpuUs),
      ...shares.map(({ name }, index) =>
        times(ratio(measured, each.name, name), each.name === own ? peers[index]?.demand : undefined),
      ),
    ])
    const head = ['', 'events', 'CPU each', ...shares.map(({ kind }) => `of ${kind.name}`)]
    report.table(`PostgreSQL: catching up, ${events} events into ${groupCount} rows`, [head, ...rows])
  })
}

interface Share {
  readonly kind: PeerKind
  readonly name: string
  readonly count: number
}

type FilledPeer = Share & { readonly peer: Peer }

/** Opens the peers, one within the other, each with its events. */
async function withFilledPeers<T>(
  server: BenchPostgres,
  [first, ...others]: readonly Share[],
  work: (opened: readonly FilledPeer[]) => Promise<T>,
): Promise<T> {
  if (first === undefined) return work([])
  return withPeer(server, first.kind, async (peer) => {
    for (let event = 0; event < first.count; event += eventsPerStream) {
      // oxlint-disable-next-line no-await-in-loop -- positions follow the order of the log
      await peer.fill(`account-${event}`, depositsFrom(event))
    }
    return withFilledPeers(server, others, (opened) => work([{ ...first, peer }, ...opened]))
  })
}

function depositsFrom(first: number) {
  return Array.from({ length: eventsPerStream }, (_, index) => deposit(first + index, groupCount))
}

function sumsOf(events: number): Sums {
  let cents = 0
  for (let event = 0; event < events; event++) cents += deposit(event).cents
  return { deposits: events, cents }
}

function expectSums(found: Sums | undefined, events: number): void {
  const expected = sumsOf(events)
  if (found?.deposits === expected.deposits && found.cents === expected.cents) return
  throw new Error(`The groups hold ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}.`)
}

let projections = 0

async function peerRound(peer: Peer, events: number): Promise<Round> {
  const end = startRound()
  const sums = await peer.catchUp?.(events, `groups_${++projections}`)
  const round = end(events)
  expectSums(sums, events)
  return round
}

async function withFilledLog<T>(
  server: BenchPostgres,
  eventCount: number,
  work: (store: EventStore) => Promise<T>,
): Promise<T> {
  return server.inDatabase(async (url) => {
    await using database = await openPostgresStore({ url })
    const store = await database.openLog(logKey('bench'))
    for (let first = 0; first < eventCount; first += eventsPerStream) {
      const events = depositsFrom(first).map((data) => ({
        type: 'MoneyDeposited',
        schemaVersion: 1,
        payload: encoder.encode(JSON.stringify(data)),
      }))
      const id = streamId(`account-${first}`)
      // oxlint-disable-next-line no-await-in-loop -- positions follow the order of the log
      await store.append({ writes: [{ decider: 'account', id, expectedVersion: 'none', events }] })
    }
    return await work(store)
  })
}

/** From a read store without documents until they contain the head. */
function ownRound(server: BenchPostgres, store: EventStore, events: number): Promise<Round> {
  return server.inDatabase(async (url) => {
    await using readStore = await openPostgresReadStore({ url })
    const head = await store.head()
    const end = startRound()
    const options = { projection: groups, store, readStore, runtime: systemRuntime }
    const runner = await createProjectionRunner(options)
    await untilReached(runner, head)
    const round = end(events)
    await runner.stop()
    const sums = await query(
      url,
      `SELECT json_build_object('deposits', sum((data::json->>'deposits')::int),
        'cents', sum((data::json->>'cents')::int))::text FROM rampart_read.documents_1`,
    )
    expectSums(JSON.parse(sums), events)
    return round
  })
}
