// Handles decisions: folds what their query finds, decides, and appends unless another match came in between.
//
//   take turn ──> fold ──> decide ──> append unless matched ──appended──> answered
//                  ^                          │
//                  └─── the difference ── matched
//
// A turn ends once the append is settled, or is on its way without events: what a refusal rests on is checked
// by the store, and nobody behind it can be changed by it, so refusals of one boundary share a commit.
import { choices, encodeEvent, isRefusal, type DecisionDefinition } from '../core/codec/index.ts'
import { RampartError, type DecidedEvent } from '../core/index.ts'
import type { AppendRequest, AppendResult, EventStore } from '../core/ports/index.ts'
import { appendWithDocuments } from './append-documents.ts'
import type { FinalCommand } from './command-service.ts'
import { asList, claimOf, isForbidden, newlyDecided, runDecide, type CheckedCommand } from './decide.ts'
import { foldOn, initialFold, queryOf, type Fold, type FoldedState } from './decision-state.ts'
import { DecisionTurns, type Turn } from './decision-turns.ts'
import type {
  DocumentTips,
  FoldedDocuments,
  LoadedDocuments,
  MissingDocuments,
  NewlyDecided,
} from './document-tips.ts'
import { finalStatusOf } from './outcome.ts'
import { keyReused, leftToInbox } from './line-faults.ts'

/** What decisions need of the write side. */
export interface DecisionRunnerTools {
  readonly store: EventStore
  readonly outcomeTtlMs: number
  /** How often a command is decided again before it is given up. */
  readonly conflictsMax: number
  /** How many commands that stand on the same events may wait in this process. */
  readonly waitingMax: number
  readonly nextTicket: () => string
  /** The documents that commit with events; absent when there are none. */
  readonly documents?: DocumentTips | undefined
}

/** Handles the decisions of a context. */
export class DecisionRunner {
  readonly #tools: DecisionRunnerTools
  readonly #turns: DecisionTurns

  constructor(tools: DecisionRunnerTools) {
    this.#tools = tools
    this.#turns = new DecisionTurns(tools.waitingMax)
  }

  /** Decides a command. Throws `STREAM_CONTENDED` when events that it stands on keep coming in. */
  async handle(definition: DecisionDefinition, command: CheckedCommand): Promise<FinalCommand> {
    const query = queryOf(definition, command.data)
    const turn = this.#turns.take(query.map(({ tags }) => JSON.stringify(tags.toSorted())))
    try {
      await turn.begun
      return await this.#decide({ definition, query, data: command.data }, command, turn)
    } finally {
      turn.end()
    }
  }

  async #decide(fold: Fold, command: CheckedCommand, turn: Turn): Promise<FinalCommand> {
    const { store, outcomeTtlMs, conflictsMax, documents } = this.#tools
    let base = initialFold(fold.definition)
    let loaded: LoadedDocuments = new Map()
    for (let conflicts = 0; conflicts <= conflictsMax; conflicts++) {
      // oxlint-disable-next-line no-await-in-loop -- each attempt goes on where the one before ended
      base = await foldOn(store, fold, base)
      const decided = requestFor({ fold, command, outcomeTtlMs }, base)
      const folded = this.#foldDocuments(decided, loaded)
      if ('missing' in folded) {
        // oxlint-disable-next-line no-await-in-loop -- see above
        loaded = new Map([...loaded, ...((await documents?.load(folded.missing)) ?? [])])
        continue
      }
      loaded = new Map()
      const { request } = folded
      if (decided.events.length === 0) turn.end()
      // oxlint-disable-next-line no-await-in-loop -- see above
      const result = await this.#append(folded, decided.events.length)
      if (result.status === 'matched' || result.status === 'outdated') continue
      if (request.command === undefined) throw forbidden(command)
      return answerOf(store, request, result)
    }
    const message = `Events that ${command.type} stands on kept coming while it was decided. Try again.`
    throw new RampartError('STREAM_CONTENDED', message)
  }

  #foldDocuments({ request, events }: Decided, loaded: LoadedDocuments): Ready | MissingDocuments {
    const { documents, nextTicket } = this.#tools
    if (documents === undefined || events.length === 0) return { request, flights: [] }
    const ticket = nextTicket()
    const folded = documents.fold(events, { ticket, loaded })
    if ('missing' in folded) return folded
    return { request: { ...request, ticket, documents: folded.writes }, flights: folded.flights }
  }

  async #append({ request, flights }: Ready, events: number): Promise<AppendResult> {
    const { store, documents } = this.#tools
    const appending = appendWithDocuments(store, request)
    documents?.begin(flights)
    let result: AppendResult | undefined
    try {
      result = await appending
      return result
    } finally {
      documents?.settle(flights, { result, events })
    }
  }
}

interface Decided {
  readonly request: AppendRequest
  readonly events: readonly NewlyDecided[]
}

interface Ready {
  readonly request: AppendRequest
  readonly flights: FoldedDocuments['flights']
}

interface Deciding {
  readonly fold: Fold
  readonly command: CheckedCommand
  readonly outcomeTtlMs: number
}

/** Decides on a state, and says what to append for it. */
function requestFor({ fold, command, outcomeTtlMs }: Deciding, base: FoldedState): Decided {
  const { definition, query } = fold
  const { may } = definition
  const failIfMatch = query.map((item) => ({ ...item, after: base.after }))
  if (may !== undefined && isForbidden(command, (caller) => may(caller, base.state, fold.data))) {
    const { name } = sourceOf(definition, [])
    // Claims no id, and proves that nothing has changed what the rule was asked about.
    const write = { decider: name, id: command.streamId, expectedVersion: 'none', events: [] } as const
    return { request: { writes: [write], failIfMatch }, events: [] }
  }
  const answer = runDecide(definition, command, base.state)
  const refusal = isRefusal(answer) ? answer : undefined
  const decided = isRefusal(answer) ? (answer.records ?? []) : asList(answer)
  const source = sourceOf(definition, decided)
  const encoded = decided.map((event) => encodeEvent(source, event))
  const write = {
    decider: source.name,
    id: command.streamId,
    expectedVersion: 'none',
    events: encoded.map(({ stored }) => stored),
  } as const
  const request = { writes: [write], failIfMatch, ...claimOf(command, refusal, outcomeTtlMs) }
  return { request, events: newlyDecided(command.streamId, 0, encoded) }
}

function forbidden({ type }: CheckedCommand): RampartError {
  return new RampartError('FORBIDDEN', `You may not send ${type} on what is recorded.`)
}

/** The definition of the decided events; the first one when there are none. */
function sourceOf({ name, sources }: DecisionDefinition, decided: readonly DecidedEvent[]) {
  const [first] = decided
  const source =
    first === undefined
      ? sources[0]
      : sources.find(({ definitions }) => Object.hasOwn(definitions, first.type))
  if (source === undefined) {
    const types = sources.flatMap(({ definitions }) => Object.keys(definitions))
    const known = choices(first?.type ?? '', types, 'It has')
    const message = `Decision ${name} has no event ${first?.type}. ${known}`
    throw new RampartError('EVENT_TYPE_UNKNOWN', message)
  }
  const foreign = decided.find(({ type }) => !Object.hasOwn(source.definitions, type))
  if (foreign === undefined) return source
  const message =
    `Decision ${name} decided ${foreign.type} beside ${first?.type} of ${source.name}. ` +
    'Its events go to one stream, so they must be of one definition.'
  throw new RampartError('DECIDER_FAILED', message)
}

function answerOf(
  store: EventStore,
  { command }: AppendRequest,
  result: Exclude<AppendResult, { status: 'matched' | 'outdated' }>,
): FinalCommand {
  switch (result.status) {
    case 'appended': {
      const [version] = result.versions
      if (command === undefined || version === undefined) throw new Error('A decision writes one stream.')
      const { id: commandId, fingerprint, outcome } = command
      const stored = { commandId, fingerprint, outcome, version, place: result.place, recordedAtMs: 0 }
      return finalStatusOf(store.log, stored)
    }
    case 'repeated':
      return finalStatusOf(store.log, result.outcome)
    case 'reused':
      throw keyReused()
    case 'waiting':
      throw leftToInbox()
    case 'conflict': {
      const message = `Stream ${command?.id} is there already, although only its own command can make it.`
      throw new RampartError('STREAM_CONTENDED', message)
    }
  }
}
