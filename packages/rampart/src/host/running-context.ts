// One context in one process: its command service, its projections and what may be read of them, as far
// as the roles of the process go.
import type { Context, Runtime } from '../core/index.ts'
import { logKey, type EventStore } from '../core/ports/index.ts'
import type { Role } from '../gateway/index.ts'
import {
  followProjections,
  runProjections,
  startSynchronous,
  type ProjectionRunner,
  type RunningProjections,
  type ReadModel,
} from '../projection/index.ts'
import { createSealer } from '../seal/index.ts'
import { createCommandService, type CommandService } from '../write/index.ts'
import { Activity, type WatchedCommand } from './activity.ts'
import type { AppStores } from './stores.ts'

/** What contexts stand on. */
export interface ContextOptions {
  readonly stores: AppStores
  readonly runtime: Runtime
  /** What this process does; everything unless said. */
  readonly roles?: ReadonlySet<Role>
  /** How long the ids of refused and failed commands are kept; 24 hours unless said. */
  readonly outcomeTtlMs?: number
  readonly reportFault: (fault: unknown, what: string) => void
  /** Is told of every command, once its read models contain it. */
  readonly onCommand?: (command: WatchedCommand) => void
  /** Hears how far the documents of synchronous projections are that are built before the app starts. */
  readonly reportProgress?: Parameters<typeof startSynchronous>[0]['reportProgress']
}

/** A context that runs. */
export interface RunningContext {
  /** Absent where reads are served, and nothing else. */
  readonly store: EventStore | undefined
  /** Absent where no commands are taken. */
  readonly service: CommandService | undefined
  readonly models: readonly ReadModel[]
  /** Why reads cannot be served as they should; `undefined` when they can. */
  readonly fault: () => string | undefined
  readonly stop: () => Promise<void>
}

interface Part {
  /** The projections that commands are told with. */
  readonly shown?: RunningProjections['shown']
  readonly models: readonly ReadModel[]
  readonly stop: () => Promise<void>
}

/** Starts a context. Rejects with what the stores throw; nothing of it runs then. */
export async function startContext(context: Context, options: ContextOptions): Promise<RunningContext> {
  const { stores, runtime, roles, onCommand } = options
  const log = await stores.write?.openLog(logKey(context.name))
  const activity = onCommand === undefined ? undefined : new Activity(runtime, onCommand)
  const store = log === undefined ? undefined : (activity?.watch(log) ?? log)
  const reads = await startReads(context, options, store)
  try {
    if (store === undefined || (roles !== undefined && !roles.has('write'))) {
      const kept = await followKept(context, options)
      return {
        store,
        service: undefined,
        models: [...kept.models, ...reads.models],
        fault: () => reads.fault() ?? kept.fault(),
        stop: async () => void (await Promise.all([kept.stop(), reads.stop()])),
      }
    }
    const writes = await startWrites(context, options, { store, activity })
    activity?.follow([...writes.runners, ...(reads.shown ?? [])])
    writes.service.start()
    return {
      store,
      service: writes.service,
      models: [...writes.models, ...reads.models],
      fault: reads.fault,
      stop: async () => void (await Promise.all([writes.stop(), reads.stop()])),
    }
  } catch (fault) {
    await reads.stop()
    throw fault
  }
}

/** Runs the projections that follow the log, or follows those who do, or does neither. */
async function startReads(
  context: Context,
  { stores, runtime, roles, reportFault }: ContextOptions,
  store: EventStore | undefined,
): Promise<Part & Pick<RunningContext, 'fault'>> {
  const { read: readStore } = stores
  if (readStore === undefined) return nothing
  const projections = context.projections.filter(({ synchronous }) => !synchronous)
  const how = { projections, runtime, reportFault }
  if (store !== undefined && (roles === undefined || roles.has('project')))
    return { ...nothing, ...(await runProjections({ ...how, readStore, store })) }
  const { shared, names } = readStore
  return followProjections({ ...how, log: logKey(context.name), shared, names })
}

const nothing = { models: [], fault: () => undefined, stop: async () => {} }

/** Follows the documents that other processes append with their events. */
async function followKept(
  context: Context,
  { stores, runtime, roles, reportFault }: ContextOptions,
): Promise<Part & Pick<RunningContext, 'fault'>> {
  const projections = context.projections.filter(({ synchronous }) => synchronous)
  const { read: readStore } = stores
  if (readStore === undefined || projections.length === 0 || roles?.has('serve') !== true) return nothing
  const { kept: shared } = readStore
  return followProjections({ projections, log: logKey(context.name), shared, runtime, reportFault })
}

interface WritePart extends Part {
  readonly runners: readonly ProjectionRunner[]
  readonly service: CommandService
}

interface WriteSide {
  readonly store: EventStore
  readonly activity: Activity | undefined
}

/** Prepares the command service, which takes commands that were accepted for later once it is started. */
async function startWrites(
  context: Context,
  { stores, runtime, outcomeTtlMs, reportFault, reportProgress }: ContextOptions,
  { store, activity }: WriteSide,
): Promise<WritePart> {
  const projections = context.projections.filter(({ synchronous }) => synchronous)
  // Until its documents are complete, nothing may be recorded that they would lack.
  const synchronous = await startSynchronous({ projections, store, runtime, reportProgress })
  const service = createCommandService({
    context,
    store,
    runtime,
    limits: outcomeTtlMs === undefined ? {} : { outcomeTtlMs },
    documents: synchronous.fold,
    reportFault,
    ...(activity === undefined ? {} : { observe: activity.observe }),
  })
  const sealing = { store, runtime, reportFault, leases: stores.write?.leases }
  // What a process forgets at its end needs no proof.
  const sealers = store.capabilities.durable ? [createSealer(sealing)] : []
  const running = [...sealers, ...synchronous.runners]
  return {
    ...synchronous,
    service,
    stop: async () => void (await Promise.all(running.map((one) => one.stop()))),
  }
}
