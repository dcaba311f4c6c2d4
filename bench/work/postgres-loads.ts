// Cold loads of one aggregate on PostgreSQL, folded from its events without cache and snapshot, beside
// other event stores.
import { decider, state } from 'rampart'
import { encodeEvent, streamId } from 'rampart/codec'
import { logKey } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
// The repository itself, because every way in from outside appends as well.
import { createRepository } from '../../packages/rampart/src/write/repository.ts'
import { installPeers } from '../install-peers.ts'
import { drive, measure, ratio, type Round, type Work } from '../measure.ts'
import { withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { microseconds, milliseconds, rate, times, type Bench } from '../report.ts'
import { accountEvents, deposit } from './bank.ts'
import { emmett, messageDb, peers, peersText, withPeer } from './postgres-peers.ts'

const own = 'Rampart'
const { definition } = decider(accountEvents, {
  state: state(1, () => ({ cents: 0 })),
  evolve: { MoneyDeposited: (before, { cents }) => ({ cents: before.cents + cents }) },
  commands: {},
})

const sizes = [
  { events: 100, loads: 150 },
  { events: 1000, loads: 40 },
] as const

/** Tells the state of the one stream that a store holds. */
type Load = () => Promise<{ readonly version: number; readonly cents: number }>

interface Contestant {
  readonly name: string
  /** Works with a store that holds a stream of so many deposits. */
  readonly filled: (events: number, work: (load: Load) => Promise<void>) => Promise<void>
}

/** Measures and prints cold loads on PostgreSQL. */
export async function benchPostgresLoads({ report, rounds, scale }: Bench): Promise<void> {
  await installPeers(report)
  await withPostgres(async (server) => {
    report.note(`${server.version}; ${peersText()}.`)
    const contestants = [
      ...peers.map((kind) => peer(server, kind)),
      { name: own, filled: filledStore(server) },
    ]
    for (const { events, loads } of sizes) {
      // oxlint-disable-next-line no-await-in-loop -- parts that ran at once would measure each other
      await withAll(contestants, events, async (stores) => {
        const work = stores.map(({ name, load }): Work => {
          const round = (): Promise<Round> => loadsRound(load, events, Math.ceil(loads * scale))
          return { name, round }
        })
        const measured = await measure(work, rounds)
        const rows = measured.map((each) => [
          each.name,
          rate(each.perSecond),
          milliseconds(each.p50Ms),
          milliseconds(each.p99Ms),
          microseconds(each.cpuUs),
          ...peers.map(({ name }) =>
            times(ratio(measured, each.name, name), each.name === own ? demandOf(name) : undefined),
          ),
        ])
        const head = ['', 'rate', 'p50', 'p99', 'CPU each', ...peers.map(({ name }) => `of ${name}`)]
        report.table(`PostgreSQL: cold load of ${events} events, 1 caller`, [head, ...rows])
      })
    }
  })
}

function demandOf(name: string) {
  return name === emmett.name || name === messageDb.name ? { atLeast: 2 } : undefined
}

interface FilledStore {
  readonly name: string
  readonly load: Load
}

/** Opens all contestants, one within the other. */
async function withAll(
  [first, ...others]: readonly Contestant[],
  events: number,
  work: (stores: readonly FilledStore[]) => Promise<void>,
): Promise<void> {
  if (first === undefined) return work([])
  const { name, filled } = first
  await filled(events, (load) => withAll(others, events, (stores) => work([{ name, load }, ...stores])))
}

const depositsOf = (events: number) => Array.from({ length: events }, (_, event) => deposit(event))

function peer(server: BenchPostgres, kind: (typeof peers)[number]): Contestant {
  return {
    name: kind.name,
    filled: (events, work) =>
      withPeer(server, kind, async (opened) => {
        await opened.fill('account-1', depositsOf(events))
        await work(() => opened.load('account-1'))
      }),
  }
}

function filledStore(server: BenchPostgres): Contestant['filled'] {
  return (events, work) =>
    server.inDatabase(async (url) => {
      await using database = await openPostgresStore({ url })
      const store = await database.openLog(logKey('bench'))
      const id = streamId('account-1')
      const stored = depositsOf(events).map(
        (data) => encodeEvent(accountEvents, accountEvents.make.MoneyDeposited(data)).stored,
      )
      await store.append({ writes: [{ decider: 'account', id, expectedVersion: 'none', events: stored }] })
      const repository = createRepository({ definition, store, kind: { snapshotEvery: 0 } })
      // A cache that loses its only state clears all its places, which a cache in use never does.
      await repository.load(streamId('account-2'))
      await work(async () => {
        repository.forget(id)
        const { version, state: folded } = await repository.load(id)
        // What the decider above keeps.
        return { version, cents: (folded as { readonly cents: number }).cents }
      })
    })
}

async function loadsRound(load: Load, events: number, loads: number): Promise<Round> {
  const cents = depositsOf(events).reduce((sum, each) => sum + each.cents, 0)
  // Code gets warm, as it does before appends are measured.
  await drive(1, loads, load)
  return drive(1, loads, async () => {
    const loaded = await load()
    if (loaded.version === events && loaded.cents === cents) return
    throw new Error(`A load came to version ${loaded.version} and ${loaded.cents} cents.`)
  })
}
