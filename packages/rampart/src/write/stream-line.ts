// The line of commands of one stream in this process: decided in order, committed together, answered when
// durable.
//
//   enqueue ──> waiting ──decide on tip──> in flight ──appended──> answered
//                  ^                           │
//                  └───────── conflict ────────┘
//
// The tip is the state after every command in flight, so that the next one is decided without waiting for the
// disk and both commit in one group. That is safe because each append demands the version it was decided on,
// and names the append in flight that it builds on: when that one fails, those behind it conflict, whatever
// else may have brought the stream to their version. The line then lets everything in flight settle, puts the
// conflicting commands back in their order, and decides them again on a freshly loaded state.
//
// For the same reason a stream need not be loaded to find out that it is new. Where streams usually are, that
// is presumed, and the first append proves it or conflicts.
import type { StreamId } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import type { AppendResult, EventStore } from '../core/ports/index.ts'
import { appendWithDocuments } from './append-documents.ts'
import type { CommandInHand } from './command-in-hand.ts'
import {
  objectionTo,
  prepareDecision,
  writeOf,
  type CheckedCommand,
  type DecisionTools,
  type Basis,
  type PreparedDecision,
} from './decide.ts'
import type { DocumentName, LoadedDocuments } from './document-tips.ts'
import { deferred, keyReused, leftToInbox } from './line-faults.ts'
import { finalStatusOf } from './outcome.ts'
import type { LoadedState } from './fold.ts'

/** What a line needs of the write side. */
export interface LineTools extends DecisionTools {
  readonly store: EventStore
  /** How often a command is decided again after conflicts before it is given up. */
  readonly conflictsMax: number
}

/** A command in a line. */
interface Job {
  readonly inHand: CommandInHand
  readonly command: CheckedCommand
  /** Given for accepted commands, which must not overtake each other even when one of them fails. */
  readonly onFault: (() => void) | undefined
  readonly sequence: number
  conflicts: number
  /** Documents that were loaded for it. */
  loaded: LoadedDocuments | undefined
}

/** Handles the commands of one stream. */
export class StreamLine {
  readonly #id: StreamId
  readonly #tools: LineTools
  readonly #onIdle: (id: StreamId) => void
  readonly #waiting: Job[] = []
  #sequence = 0
  #inFlight = 0
  #loading = false
  #settling = false
  #tip: LoadedState | undefined
  /** The append in flight that makes the tip. */
  #tipMadeBy: string | undefined
  /** Whether the tip stands on what was only presumed; `proved` means that nothing may be presumed again. */
  #footing: 'unknown' | 'presumed' | 'proved' = 'unknown'

  /** `onIdle` is called when the line has nothing to do any more. */
  constructor(id: StreamId, tools: LineTools, onIdle: (id: StreamId) => void) {
    this.#id = id
    this.#tools = tools
    this.#onIdle = onIdle
    this.#tip = tools.repository.cached(id)
  }

  /** How many commands wait or are in flight. */
  get length(): number {
    return this.#waiting.length + this.#inFlight
  }

  /** Takes a command. With `onFault`, which hears of a fault first, it keeps its place when one fails. */
  enqueue(inHand: CommandInHand, onFault: (() => void) | undefined): void {
    const { command } = inHand
    const sequence = this.#sequence++
    this.#waiting.push({ inHand, command, onFault, sequence, conflicts: 0, loaded: undefined })
    this.#proceed()
  }

  #proceed(): void {
    // Whatever is loaded goes on by itself.
    while (this.#waiting.length > 0 && !this.#loading) {
      if (this.#settling && this.#inFlight > 0) return
      this.#settling = false
      const tip = this.#tip ?? this.#presume()
      if (tip === undefined) {
        void this.#load(() => this.#loadState())
        return
      }
      const job = this.#waiting.shift()
      if (job !== undefined) this.#decide(job, tip)
    }
    if (this.length === 0 && !this.#loading) this.#onIdle(this.#id)
  }

  #presume(): LoadedState | undefined {
    if (this.#footing !== 'unknown') return undefined
    this.#tip = this.#tools.repository.presumed()
    if (this.#tip !== undefined) this.#footing = 'presumed'
    return this.#tip
  }

  async #loadState(): Promise<void> {
    this.#tip = await this.#tools.repository.load(this.#id)
  }

  async #load(load: () => Promise<void>): Promise<void> {
    this.#loading = true
    try {
      await load()
    } catch (fault) {
      for (const job of this.#waiting.splice(0)) reject(job, fault)
    }
    this.#loading = false
    this.#proceed()
  }

  #decide(job: Job, base: LoadedState): void {
    const basis = { base, buildsOn: this.#tipMadeBy }
    try {
      const objection = objectionTo(job.command, base, this.#tools.definition)
      if (objection !== undefined) {
        this.#commit(job, { ...confirmVersion(this.#tools, this.#id, basis), objection })
        return
      }
      const prepared = prepareDecision(job, basis, this.#tools)
      if ('missing' in prepared) {
        this.#loadDocuments(job, prepared.missing)
        return
      }
      this.#tip = prepared.after
      this.#tipMadeBy = prepared.madeBy
      this.#commit(job, prepared)
    } catch (fault) {
      if (this.#footing !== 'presumed') {
        this.#fail(job, fault)
        return
      }
      // The fault may be that of deciding on a state that never was.
      this.#decideAgain()
      this.#putBack(job)
    }
  }

  /** Decides a command again once the documents are there that its events touch. */
  #loadDocuments(job: Job, missing: readonly DocumentName[]): void {
    this.#waiting.unshift(job)
    void this.#load(async () => {
      const loaded = await this.#tools.documents?.load(missing)
      job.loaded = new Map([...(job.loaded ?? []), ...(loaded ?? [])])
    })
  }

  #commit(job: Job, prepared: PreparedDecision): void {
    this.#inFlight++
    const appending = appendWithDocuments(this.#tools.store, prepared.request)
    this.#tools.documents?.begin(prepared.flights ?? [])
    appending.then(
      (result) => this.#settle(job, prepared, result),
      (fault: unknown) => {
        this.#inFlight--
        this.#settleDocuments(prepared, undefined)
        this.#decideAgain()
        this.#fail(job, fault)
        this.#proceed()
      },
    )
  }

  #settle(job: Job, prepared: PreparedDecision, result: AppendResult): void {
    this.#inFlight--
    this.#settleDocuments(prepared, result)
    if (result.status === 'conflict' || result.status === 'outdated') {
      this.#decideAgain()
      this.#putBack(job)
    } else if (result.status === 'appended') {
      this.#acknowledge(prepared)
      this.#answer(job, prepared, result)
    } else {
      // Nothing was appended, so what was decided on top of it must be decided again.
      this.#decideAgain()
      this.#answerUnappended(job, result)
    }
    this.#proceed()
  }

  #settleDocuments({ request, flights = [] }: PreparedDecision, result: AppendResult | undefined): void {
    if (flights.length === 0) return
    const events = request.writes.reduce((sum, write) => sum + write.events.length, 0)
    this.#tools.documents?.settle(flights, { result, events })
  }

  #acknowledge({ after, madeBy }: PreparedDecision): void {
    this.#footing = 'proved'
    this.#tools.repository.remember(this.#id, after)
    if (this.#tipMadeBy === madeBy) this.#tipMadeBy = undefined
  }

  /** Lets everything in flight settle, then starts from what is recorded. */
  #decideAgain(): void {
    this.#settling = true
    this.#footing = 'proved'
    this.#tip = undefined
    this.#tipMadeBy = undefined
  }

  #putBack(job: Job): void {
    job.conflicts++
    job.loaded = undefined
    if (job.conflicts > this.#tools.conflictsMax) {
      const message = `Stream ${this.#id} kept changing while ${job.command.type} was decided. Try again.`
      this.#fail(job, new RampartError('STREAM_CONTENDED', message))
      return
    }
    const later = this.#waiting.findIndex(({ sequence }) => sequence > job.sequence)
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, job)
  }

  #answer(
    job: Job,
    { request, objection }: PreparedDecision,
    result: Extract<AppendResult, { status: 'appended' }>,
  ): void {
    const { command } = request
    const [version] = result.versions
    if (version === undefined) throw new Error('An append answers with a version for each of its writes.')
    if (objection !== undefined) {
      this.#fail(job, objection)
      return
    }
    if (command === undefined) throw new Error('A decision claims the id of its command.')
    const { id: commandId, fingerprint, outcome } = command
    const stored = { commandId, fingerprint, outcome, version, place: result.place, recordedAtMs: 0 }
    job.inHand.resolve(finalStatusOf(this.#tools.store.log, stored))
  }

  #answerUnappended(
    job: Job,
    result: Exclude<AppendResult, { status: 'appended' | 'conflict' | 'outdated' }>,
  ): void {
    switch (result.status) {
      case 'repeated':
        job.inHand.resolve(finalStatusOf(this.#tools.store.log, result.outcome))
        return
      case 'reused':
        reject(job, keyReused())
        return
      case 'waiting':
        reject(job, leftToInbox())
        return
      case 'matched':
        reject(job, new Error('An append without conditions cannot match one.'))
    }
  }

  /** Answers with a fault. Accepted commands behind an accepted one wait for its next attempt with it. */
  #fail(job: Job, fault: unknown): void {
    if (fault instanceof RampartError && fault.effect === 'unknown') this.#tools.repository.forget(this.#id)
    reject(job, fault)
    if (!keepsOrder(job)) return
    const behind = this.#waiting.filter(keepsOrder)
    if (behind.length === 0) return
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((each) => !keepsOrder(each)))
    for (const each of behind) reject(each, deferred())
  }
}

function keepsOrder({ onFault }: Job): boolean {
  return onFault !== undefined
}

function reject({ inHand, onFault }: Job, fault: unknown): void {
  onFault?.()
  inHand.reject(fault)
}

/**
 * An append that changes nothing and proves that a stream still has the version at which a command was
 * objected to.
 */
function confirmVersion(tools: LineTools, id: StreamId, basis: Basis): PreparedDecision {
  const decider = tools.definition.of.name
  const request = { writes: [writeOf(basis, { decider, id, events: [] })] }
  return { request, after: basis.base, madeBy: basis.buildsOn }
}
