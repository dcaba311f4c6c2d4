// The lines of all streams of a context: each is made when a command comes for its stream, and dropped when
// it is idle.
import { choices, quoted, type DeciderDefinition, type StreamId } from '../core/codec/index.ts'
import { PassingMap } from '../core/collections/index.ts'
import { RampartError, type Context } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import type { CommandInHand } from './command-in-hand.ts'
import type { DocumentTips } from './document-tips.ts'
import { createRepository, type CacheLimits } from './repository.ts'
import { StreamLine, type LineTools } from './stream-line.ts'

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
  readonly tools: LineTools
  readonly lines: PassingMap<StreamId, StreamLine>
  readonly onIdle: (id: StreamId) => void
}

/** What the lines of a context stand on. */
export interface LinesOptions {
  readonly context: Context
  readonly store: EventStore
  readonly limits: LineLimits
  readonly nextTicket: () => string
  /** The documents that commit with events; absent when there are none. */
  readonly documents?: DocumentTips | undefined
}

/** All lines of a context. */
export class StreamLines {
  readonly #perStream: number
  readonly #deciders: ReadonlyMap<string, KnownDecider>

  constructor({ context: { deciders, repositories }, store, limits, nextTicket, documents }: LinesOptions) {
    this.#perStream = limits.perStream
    const { conflicts: conflictsMax, outcomeTtlMs, cache } = limits
    this.#deciders = new Map(
      deciders.map(({ name, definition }) => {
        const repository = createRepository({ definition, store, kind: repositories[name], limits: cache })
        const tools = { definition, repository, store, conflictsMax, outcomeTtlMs, nextTicket, documents }
        const lines = new PassingMap<StreamId, StreamLine>()
        return [name, { tools, lines, onIdle: (id) => lines.delete(id) }]
      }),
    )
  }

  /** The definition of a decider. Throws `INPUT_INVALID` for one that the context does not have. */
  definitionOf(decider: string): DeciderDefinition {
    return this.#knownOf(decider).tools.definition
  }

  /**
   * Has a command of a decider handled in its turn; it comes to `OVERLOADED` when too many wait. With
   * `onFault`, which hears of a fault before anything else does, it keeps its place among accepted commands.
   */
  enqueue(decider: string, inHand: CommandInHand, onFault: (() => void) | undefined): void {
    const { streamId } = inHand.command
    const line = this.#lineOf(decider, streamId)
    if (line.length < this.#perStream) line.enqueue(inHand, onFault)
    else inHand.reject(overloaded(`too many commands wait for stream ${streamId}`))
  }

  #lineOf(decider: string, id: StreamId): StreamLine {
    const { lines, tools, onIdle } = this.#knownOf(decider)
    const known = lines.get(id)
    if (known !== undefined) return known
    const line = new StreamLine(id, tools, onIdle)
    lines.set(id, line)
    return line
  }

  #knownOf(decider: string): KnownDecider {
    const known = this.#deciders.get(decider)
    if (known !== undefined) return known
    const message = `There is no decider ${quoted(decider)}. ${choices(decider, [...this.#deciders.keys()])}`
    throw new RampartError('INPUT_INVALID', message)
  }
}

/** The fault of a command that is not taken for now. */
export function overloaded(reason: string): RampartError {
  return new RampartError('OVERLOADED', `The command was not taken: ${reason}. Try again in a moment.`)
}
