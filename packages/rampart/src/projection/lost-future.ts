// Documents of a future that the log has lost: recognised before anybody reads them, and derived anew.
//
//   log as it was     1 ── 2 ── 3 ── 4 ── 5 ── 6        documents contain it up to 6
//   log put back      1 ── 2 ── 3 ── 4'                 what 4, 5 and 6 did to them has not happened
//
// Nobody knows what the lost events changed, so all documents of the projection go in one transaction and
// are folded again from the first event. Whoever dies on the way leaves old documents, which are recognised
// again, or none.
import type { Position } from '../core/codec/index.ts'
import { isRampartError, RampartError, type Projection } from '../core/index.ts'
import type { CollectionState, EventStore, LogPlace, ReadStore } from '../core/ports/index.ts'

/** The projections of one log, and where their documents are. */
export interface LostFutureOptions {
  readonly projections: readonly Projection[]
  readonly store: EventStore
  readonly readStore: ReadStore
  /** Hears of every projection that begins anew. */
  readonly reportFault: (fault: unknown, what: string) => void
}

/** Why a projection begins anew, and how far it must come to be what it was. */
export interface Anew {
  readonly reason: string
  readonly until: Position
}

type Judgement = Awaited<ReturnType<EventStore['judge']>>

interface Judged {
  readonly projection: Projection
  readonly state: CollectionState
  readonly judgement: Judgement
}

/**
 * Empties the projections whose documents contain a future that the log has lost, and answers with their
 * names. Where the log was replaced without a word, it begins an epoch first. To be called before any of them
 * runs and before anything is appended.
 */
export async function forgetLostFutures(options: LostFutureOptions): Promise<ReadonlyMap<string, Anew>> {
  const { projections } = options
  const judged = (await Promise.all(projections.map((one) => judge(options, one)))).flat()
  if (judged.some(({ judgement }) => judgement === 'replaced')) await beginEpoch(options)
  const lost = judged.filter(({ judgement }) => judgement !== 'held')
  const anew = new Map<string, Anew>()
  for (const one of lost) {
    // oxlint-disable-next-line no-await-in-loop -- a handful, and the store writes one at a time
    const why = await forget(options, one, judged)
    if (why !== undefined) anew.set(one.projection.name, why)
  }
  return anew
}

// From then on the epochs tell what is lost, without a look at its events. A process that may only read the
// log goes on without: the documents go all the same, and places are judged by their events.
async function beginEpoch({ store, reportFault }: LostFutureOptions): Promise<void> {
  try {
    await store.beginEpoch()
  } catch (fault) {
    if (!isRampartError(fault, 'STORE_UNAVAILABLE')) throw fault
    reportFault(fault, `the new epoch of ${store.log}`)
  }
}

async function judge({ store, readStore }: LostFutureOptions, projection: Projection) {
  const states = await readStore.collections(store.log, projection.name)
  return Promise.all(
    states.map(async (state): Promise<Judged> => {
      const judgement = await store.judge(state.checkpoint)
      return { projection, state, judgement }
    }),
  )
}

async function forget(
  { store, readStore, reportFault }: LostFutureOptions,
  { projection, state, judgement }: Judged,
  all: readonly Judged[],
): Promise<Anew | undefined> {
  const { name, version, indexes, search } = projection
  if (!state.isLive) {
    await readStore.dropCollection(store.log, name, state)
    return undefined
  }
  const { epoch, position: until } = await store.head()
  const own = all.filter((one) => one.projection === projection)
  // Their names for readers must not stand for these documents again.
  const generation = Math.max(...own.map((one) => one.state.generation)) + 1
  await readStore.beginAnew({ name, version, log: store.log, indexes, search }, epoch, generation)
  // Whoever had seen nothing has lost nothing.
  if (state.checkpoint.position === 0) return undefined
  const reason = reasonOf(store.log, state.checkpoint, judgement)
  reportFault(new RampartError('FUTURE_LOST', reason), `projection ${name}`)
  return { reason, until }
}

function reasonOf(log: string, { position }: LogPlace, judgement: Judgement): string {
  const cause =
    judgement === 'foreign'
      ? `the log ${log} is another one`
      : `the log ${log} was put back to an older state`
  return (
    `Its documents contained position ${position} of a history that is lost: ${cause}. ` +
    'They are derived anew.'
  )
}
