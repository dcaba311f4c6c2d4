// Loads of states: folded from events, from a snapshot and the events after it, from a state row, and warm.
import { decider, state, type RepositoryKind } from 'rampart'
import { encodeEvent, streamId } from 'rampart/codec'
import { logKey, type EventStore } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
// The repository itself, because every way in from outside appends as well.
import { createRepository, type Repository } from '../../packages/rampart/src/write/repository.ts'
import { measure, type Measured, type Round, type Work } from '../measure.ts'
import { milliseconds, times, type Bench, type Report } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { accountEvents, deposit } from './bank.ts'

const { definition } = decider(accountEvents, {
  state: state(1, () => ({ cents: 0, deposits: 0 })),
  evolve: {
    MoneyDeposited: (before, { cents }) => ({ cents: before.cents + cents, deposits: before.deposits + 1 }),
  },
  commands: {},
})

const allSizes = [100, 1000, 10_000] as const
/** One event before the next snapshot: the longest tail that a load can meet. */
const worst = 10_049
const without: RepositoryKind = { snapshotEvery: 0 }
const baseline = 'cold, 100 events without snapshots'

/** Measures and prints loads. */
export async function benchLoads({ report, rounds, scale }: Bench): Promise<void> {
  // Most of the time goes into writing the large ones, event by event.
  const sizes = scale < 1 ? allSizes.slice(0, 2) : allSizes
  const written = scale < 1 ? sizes : [...sizes, worst]
  await inTemporaryFolder(async (folder) => {
    await using database = await openSqliteStore({ file: `${folder}/write.sqlite`, thread: 'caller' })
    const plain = await fill(await database.openLog(logKey('plain')), without, written)
    const snapshots = await fill(await database.openLog(logKey('snapshots')), 'eventSourced', written)
    const rows = await fill(await database.openLog(logKey('rows')), 'stateStored', written)
    const work: readonly Work[] = [
      ...sizes.map((size) =>
        cold(`cold, ${size} events without snapshots`, { store: plain, kind: without, size, scale }),
      ),
      ...sizes.map((size) => parsing(size, scale)),
      ...written.map((size) =>
        cold(`cold, ${size} events with a snapshot per 50`, {
          store: snapshots,
          kind: 'eventSourced',
          size,
          scale,
        }),
      ),
      ...sizes.map((size) =>
        cold(`cold, ${size} events as a state row`, { store: rows, kind: 'stateStored', size, scale }),
      ),
      warm('warm, 1000 events, with a look for newer ones', plain, (repository) =>
        repository.load(idOf(1000)),
      ),
      warm('warm, 1000 events, as commands take it', plain, (repository) => repository.cached(idOf(1000))),
    ]
    print(report, await measure(work, rounds))
  })
}

function print(report: Report, measured: readonly Measured[]): void {
  const p50Of = (name: string): number => measured.find((each) => each.name === name)?.p50Ms ?? Number.NaN
  const rows = measured.map(({ name, p50Ms, p99Ms }) => {
    const [, events = ''] = /(\d+) events without/.exec(name) ?? []
    const parse = events === '' ? '' : times(p50Ms / p50Of(`JSON.parse of ${events} events`))
    return [name, milliseconds(p50Ms), milliseconds(p99Ms), times(p50Ms / p50Of(baseline)), parse]
  })
  const header = ['', 'p50', 'p99', 'of 100 events', 'of JSON.parse']
  report.table("Loads of one aggregate, SQLite, caller's thread, 300-byte events, pages in memory", [
    header,
    ...rows,
  ])
}

function idOf(size: number) {
  return streamId(`account-${size}`)
}

const encoded = encodeEvent(accountEvents, accountEvents.make.MoneyDeposited(deposit(7)))
const folded = { type: encoded.stored.type, data: encoded.data, payloadBytes: encoded.stored.payload.length }

/** Writes a stream per size, an event per append as commands do, each with what the repository stores. */
async function fill(store: EventStore, kind: RepositoryKind, sizes: readonly number[]): Promise<EventStore> {
  const repository = createRepository({ definition, store, kind })
  for (const size of sizes) {
    const id = idOf(size)
    let tip = await repository.load(id)
    while (tip.version < size) {
      const appends = Array.from({ length: Math.min(1000, size - tip.version) }, () => {
        const expectedVersion = tip.version
        const { after, stored } = repository.keep(id, repository.advance(tip, [folded]))
        tip = after
        const write = { decider: 'account', id, expectedVersion, events: [encoded.stored] }
        return store.append({ writes: [stored === undefined ? write : { ...write, state: stored }] })
      })
      await Promise.all(appends)
    }
  }
  return store
}

interface Cold {
  readonly store: EventStore
  readonly kind: RepositoryKind
  readonly size: number
  readonly scale: number
}

function cold(name: string, { store, kind, size, scale }: Cold): Work {
  const repository = createRepository({ definition, store, kind })
  return {
    name,
    round: async () => {
      // A cache that loses its only state clears all its places, which a cache in use never does.
      await repository.load(idOf(0))
      return timed(Math.ceil((size > 1000 && kind === without ? 20 : 200) * scale), async () => {
        repository.forget(idOf(size))
        const { version } = await repository.load(idOf(size))
        if (version !== size) throw new Error(`A load ended at version ${version}.`)
      })
    },
  }
}

function warm(name: string, store: EventStore, look: (repository: Repository) => unknown): Work {
  return {
    name,
    async round() {
      const repository = createRepository({ definition, store })
      await repository.load(idOf(1000))
      return timed(2000, async () => void (await look(repository)))
    },
  }
}

/** The least that folding events can cost: their bytes, decoded and parsed. */
function parsing(size: number, scale: number): Work {
  const decoder = new TextDecoder()
  let cents = 0
  return {
    name: `JSON.parse of ${size} events`,
    round: () =>
      timed(Math.ceil((size > 1000 ? 20 : 200) * scale), () => {
        for (let event = 0; event < size; event++) {
          const data: { readonly cents: number } = JSON.parse(decoder.decode(encoded.stored.payload))
          cents += data.cents
        }
        return Promise.resolve()
      }),
  }
}

async function timed(operations: number, operate: () => Promise<void>): Promise<Round> {
  // The first ones warm the code.
  for (let count = 0; count < operations / 10; count++) await operate()
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  for (let count = 0; count < operations; count++) {
    const beforeMs = performance.now()
    await operate()
    latenciesMs.push(performance.now() - beforeMs)
  }
  return { operations, elapsedMs: performance.now() - startedMs, latenciesMs }
}
