// Runs projections in this process, and tells others of them: their documents are brought to the log's
// history, kept up to date, and shown.
import type { Projection, Runtime } from '../core/index.ts'
import type { EventStore, ReadStore } from '../core/ports/index.ts'
import { createReadModel } from './create-read-model.ts'
import { forgetLostFutures } from './lost-future.ts'
import type { ProjectionRunner } from './projection-runner.ts'
import type { ReadModel } from './read-model.ts'
import { createServedProjection } from './served-projection.ts'
import { showRunner } from './shown-projection.ts'
import { tellStanding } from './standings.ts'

/** What projections run on. */
export interface RunProjectionsOptions {
  /** Those whose documents follow the log. */
  readonly projections: readonly Projection[]
  readonly store: EventStore
  readonly readStore: ReadStore
  readonly runtime: Runtime
  /** Hears of what is waited out, of what stops a projection, and of documents that must go. */
  readonly reportFault: (fault: unknown, what: string) => void
}

/** Projections that run, and what may be read of them. */
export interface RunningProjections {
  readonly runners: readonly ProjectionRunner[]
  /** One for each, in their order. */
  readonly models: readonly ReadModel[]
  readonly stop: () => Promise<void>
}

/** Starts projections; to be called before anything is appended. Rejects with what the stores throw. */
export async function runProjections(options: RunProjectionsOptions): Promise<RunningProjections> {
  const { projections, runtime, ...stores } = options
  const { store, readStore, reportFault } = stores
  const anew = await forgetLostFutures({ projections, ...stores })
  const runners = await Promise.all(
    projections.map((projection) => createServedProjection({ projection, runtime, ...stores })),
  )
  const shown = runners.map((runner) =>
    showRunner({ runner, runtime, anew: anew.get(runner.projection.name) }),
  )
  const { shared } = readStore
  const telling =
    shared === undefined
      ? []
      : shown.map((one) => tellStanding({ shown: one, store, shared, runtime, reportFault }))
  return {
    runners,
    models: shown.map((one) => createReadModel({ shown: one, runtime })),
    stop: async () => void (await Promise.all([...telling, ...runners].map((one) => one.stop()))),
  }
}
