// The lines of all streams of a context: each is made when a command comes for its stream, and dropped when
// it is idle.
import type { DeciderDefinition, StreamId } from '../core/codec/index.ts'
import { RampartError, type Context, type Runtime } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import type { FinalCommand } from './command-service.ts'
import type { CheckedCommand } from './decide.ts'
import { createRepository, type CacheLimits, type Repository } from './repository.ts'
import { StreamLine } from './stream-line.ts'

/** Bounds of the lines. */
export interface LineLimits {
  /** Commands of one stream that wait or are in flight in this process. */
  readonly perStream: number
  /** How often a command is decided again after conflicts. */
  readonly conflicts: number
  /** How long the ids of refused and failed commands are kept, in milliseconds. */
  readonly outcomeTtlMs: number
  readonly cache?: CacheLimits
}

interface KnownDecider {
  readonly definition: DeciderDefinition
  readonly repository: Repository
}

/** What the lines of a context stand on. */
export interface LinesOptions {
  readonly context: Context
  readonly store: EventStore
  readonly runtime: Runtime
  readonly limits: LineLimits
}

/** All lines of a context. */
export class StreamLines {
  readonly #store: EventStore
  readonly #limits: LineLimits
  readonly #deciders: ReadonlyMap<string, KnownDecider>
  readonly #lines = new Map<string, StreamLine>()
  readonly #ticketPrefix: string
  #tickets = 0

  constructor({ context: { deciders, repositories }, store, runtime, limits }: LinesOptions) {
    this.#store = store
    this.#limits = limits
    this.#ticketPrefix = `${runtime.uuid().slice(-12)}-`
    this.#deciders = new Map(
      deciders.map(({ name, definition }) => {
        const options = { definition, store, kind: repositories[name], limits: limits.cache }
        return [name, { definition, repository: createRepository(options) }]
      }),
    )
  }

  /** The definition of a decider. Throws `INPUT_INVALID` for one that the context does not have. */
  definitionOf(decider: string): DeciderDefinition {
    return this.#knownOf(decider).definition
  }

  /**
   * Has a command of a decider handled in its turn. Rejects with `OVERLOADED` when too many wait. With
   * `onFault`, which hears of a fault before anything else does, it keeps its place among accepted commands.
   */
  enqueue(decider: string, command: CheckedCommand, onFault?: () => void): Promise<FinalCommand> {
    const line = this.#lineOf(decider, command.streamId)
    if (line.length >= this.#limits.perStream) {
      return Promise.reject(overloaded(`too many commands wait for stream ${command.streamId}`))
    }
    const keepsOrder = onFault !== undefined
    return new Promise((resolve, reject) => {
      const rejectAndTell = (fault: unknown): void => {
        onFault?.()
        reject(fault)
      }
      line.enqueue({ command, keepsOrder, resolve, reject: rejectAndTell })
    })
  }

  #lineOf(decider: string, id: StreamId): StreamLine {
    const key = `${decider}/${id}`
    const known = this.#lines.get(key)
    if (known !== undefined) return known
    const line = new StreamLine(id, {
      ...this.#knownOf(decider),
      store: this.#store,
      outcomeTtlMs: this.#limits.outcomeTtlMs,
      conflictsMax: this.#limits.conflicts,
      nextTicket: () => this.#ticketPrefix + String(this.#tickets++),
      onIdle: () => void this.#lines.delete(key),
    })
    this.#lines.set(key, line)
    return line
  }

  #knownOf(decider: string): KnownDecider {
    const known = this.#deciders.get(decider)
    if (known !== undefined) return known
    const names = [...this.#deciders.keys()].join(', ')
    throw new RampartError(
      'INPUT_INVALID',
      `There is no decider ${JSON.stringify(decider)}. There are: ${names}.`,
    )
  }
}

/** The fault of a command that is not taken for now. */
export function overloaded(reason: string): RampartError {
  return new RampartError('OVERLOADED', `The command was not taken: ${reason}. Try again in a moment.`)
}
