// Follows each command of a context to its events and into its read models, for whoever watches a server.
import { isRampartError, type Runtime, type Timer } from '../core/index.ts'
import type { AppendRequest, AppendResult, EventStore } from '../core/ports/index.ts'
import type { ProjectionRunner } from '../projection/index.ts'
import type { CommandObserver, FinalCommand } from '../write/index.ts'

/** What became of a command. */
export interface WatchedCommand {
  readonly type: string
  /** The decider, a hyphen and the id. */
  readonly stream: string
  /** The types of what it recorded, in their order. */
  readonly events: readonly string[]
  /** The position of the last one; null when it recorded none. */
  readonly position: number | null
  /** The read models that contain it, and those that did not within two seconds. */
  readonly readModels: readonly string[]
  readonly behind: readonly string[]
  /** Why it recorded nothing: a refusal, or a fault; null otherwise. */
  readonly code: string | null
  /** From its coming in until the last of its read models contained it. */
  readonly elapsedMs: number
}

/** Commands followed at one time; those beyond are told without their read models. */
const followedMax = 256
const notedMax = 1024
const readModelsMs = 2000

interface Appended {
  readonly events: readonly string[]
  readonly position: number
}

/** What is asked of a projection. */
type Reached = Pick<ProjectionRunner, 'projection' | 'reached' | 'onMoved'>

interface Followed {
  readonly told: Pick<WatchedCommand, 'type' | 'stream' | 'events' | 'position' | 'code'>
  readonly runners: readonly Reached[]
  readonly startedMs: number
  timer: Timer | undefined
}

/** The activity of one context. */
export class Activity {
  readonly #runtime: Runtime
  readonly #tell: (command: WatchedCommand) => void
  readonly #appended = new Map<string, Appended>()
  readonly #followed = new Set<Followed>()
  #runners: readonly Reached[] = []

  /** `tell` hears of each command once. */
  constructor(runtime: Runtime, tell: (command: WatchedCommand) => void) {
    this.#runtime = runtime
    this.#tell = tell
  }

  /** The same store; what is appended through it is noted. */
  watch(store: EventStore): EventStore {
    return {
      ...store,
      append: async (request) => {
        const result = await store.append(request)
        note(this.#appended, request, result)
        return result
      },
    }
  }

  /** Names the read models in which commands show. */
  follow(runners: readonly Reached[]): void {
    this.#runners = runners
    for (const runner of runners) runner.onMoved(() => this.#settle())
  }

  readonly observe: CommandObserver = ({ commandId, type, decider, streamId }, final) => {
    const startedMs = this.#runtime.elapsedMs()
    const named = { type, stream: `${decider}-${streamId}` }
    final.then(
      (status) => {
        const { events = [], position = null } = this.#appended.get(commandId) ?? {}
        this.#appended.delete(commandId)
        this.#begin({ ...named, events, position, code: codeOf(status) }, startedMs)
      },
      (fault: unknown) => {
        const code = isRampartError(fault) ? fault.code : 'INTERNAL'
        this.#begin({ ...named, events: [], position: null, code }, startedMs)
      },
    )
  }

  #begin(told: Followed['told'], startedMs: number): void {
    const runners = this.#runners.filter(({ projection }) =>
      told.events.some((type) => projection.reads.includes(type)),
    )
    const one: Followed = { told, runners, startedMs, timer: undefined }
    this.#followed.add(one)
    one.timer = this.#runtime.setTimer(readModelsMs, () => this.#end(one), { keepAlive: false })
    if (this.#followed.size > followedMax) this.#end(one)
    else this.#settle()
  }

  #settle(): void {
    for (const one of this.#followed) if (one.runners.every((runner) => contains(runner, one))) this.#end(one)
  }

  #end(one: Followed): void {
    one.timer?.cancel()
    this.#followed.delete(one)
    const named = (is: boolean): readonly string[] =>
      one.runners.filter((runner) => contains(runner, one) === is).map(({ projection }) => projection.name)
    const elapsedMs = this.#runtime.elapsedMs() - one.startedMs
    this.#tell({ ...one.told, readModels: named(true), behind: named(false), elapsedMs })
  }
}

function contains(runner: Reached, { told }: Followed): boolean {
  return runner.reached().position >= (told.position ?? 0)
}

function note(appended: Map<string, Appended>, request: AppendRequest, result: AppendResult): void {
  const { command, writes } = request
  const events = writes.flatMap((write) => write.events.map(({ type }) => type))
  if (command === undefined || result.status !== 'appended' || events.length === 0) return
  // What nobody came to fetch makes room.
  const [oldest] = appended.keys()
  if (appended.size >= notedMax && oldest !== undefined) appended.delete(oldest)
  appended.set(command.id, { events, position: result.place.position })
}

function codeOf(status: FinalCommand): string | null {
  return status.status === 'succeeded' ? null : status.code
}
