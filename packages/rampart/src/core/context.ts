// A bounded context: deciders and projections that share one log and one set of names.
import type { Decider } from './decider.ts'
import type { Decision } from './decision.ts'
import { RampartError } from './errors.ts'
import { requireName, type AnyEvents } from './events.ts'
import type { Projection } from './projection.ts'
import { requireRepositoryKinds, type RepositoryKind, type RepositoryKinds } from './repository-kind.ts'

/** A bounded context with a log of its own. */
export interface Context<
  Name extends string = string,
  Deciders extends readonly Decider[] = readonly Decider[],
  Projections extends readonly Projection[] = readonly Projection[],
  Decisions extends readonly Decision[] = readonly Decision[],
> {
  readonly name: Name
  readonly deciders: Deciders
  readonly decisions: Decisions
  readonly projections: Projections
  readonly repositories: RepositoryKinds
  /** Every event definition of the context, by event type. */
  readonly eventTypes: ReadonlyMap<string, AnyEvents>
}

/**
 * Puts deciders, decisions and projections together. Names of event definitions, commands, event types and
 * projections are unique within the context, and projections read events of its deciders and decisions only.
 * Throws `DEFINITION_INVALID` otherwise.
 */
export function context<
  const Name extends string,
  // oxlint-disable-next-line no-explicit-any -- commands stand in argument places, so no other type fits all
  const Deciders extends readonly Decider<string, any, any>[] = [],
  // oxlint-disable-next-line no-explicit-any -- the same for a projection's document
  const Projections extends readonly Projection<string, any>[] = [],
  // oxlint-disable-next-line no-explicit-any -- the same for a decision's data
  const Decisions extends readonly Decision<string, any, any>[] = [],
>(
  name: Name,
  parts: {
    readonly deciders?: Deciders
    readonly decisions?: Decisions
    readonly projections?: Projections
    /** How states are kept, by decider: `{ order: 'stateStored' }`; event-sourced where none is named. */
    readonly repositories?: { readonly [K in Deciders[number]['name']]?: RepositoryKind }
  },
): Context<Name, Deciders, Projections, Decisions> {
  requireName('a context', name)
  const repositories: RepositoryKinds = parts.repositories ?? {}
  // Absent parts mean none, which is what the type parameters' defaults say.
  const deciders = parts.deciders ?? ([] as unknown as Deciders)
  const projections = parts.projections ?? ([] as unknown as Projections)
  const decisions = parts.decisions ?? ([] as unknown as Decisions)
  const sources = sourcesOf(deciders, decisions)
  requireUnique(name, {
    decider: namesOf(deciders),
    'event definition': namesOf(sources),
    command: commandTypesOf({ deciders, decisions }),
    projection: namesOf(projections),
    'event type': sources.flatMap((source) => Object.keys(source.definitions)),
  })
  requireSources(name, projections, sources)
  requireRepositoryKinds(name, repositories, namesOf(deciders))
  const eventTypes = byType(sources)
  return { name, deciders, decisions, projections, repositories, eventTypes }
}

/** The types of all commands of a context: those of its deciders, then its decisions. */
export function commandTypesOf({
  deciders,
  decisions,
}: Pick<Context, 'deciders' | 'decisions'>): readonly string[] {
  return [...deciders.flatMap((decider) => Object.keys(decider.definition.commands)), ...namesOf(decisions)]
}

// A decision may share its events with a decider or with other decisions.
function sourcesOf(deciders: readonly Decider[], decisions: readonly Decision[]): readonly AnyEvents[] {
  const recorded = deciders.map((decider) => decider.definition.of)
  return [...new Set([...recorded, ...decisions.flatMap((decision) => decision.definition.sources)])]
}

function namesOf(named: readonly { readonly name: string }[]): readonly string[] {
  return named.map(({ name }) => name)
}

function byType(sources: readonly AnyEvents[]): ReadonlyMap<string, AnyEvents> {
  return new Map(
    sources.flatMap((source) => Object.keys(source.definitions).map((type) => [type, source] as const)),
  )
}

function requireSources(
  contextName: string,
  projections: readonly Projection[],
  sources: readonly AnyEvents[],
): void {
  for (const projection of projections) {
    const foreign = projection.sources.find((source) => !sources.includes(source))
    if (foreign === undefined) continue
    const message =
      `Projection ${projection.name} reads ${foreign.name}, ` +
      `of which ${contextName} has no decider or decision.`
    throw new RampartError('DEFINITION_INVALID', message)
  }
}

function requireUnique(contextName: string, namesByKind: Readonly<Record<string, readonly string[]>>): void {
  for (const [kind, names] of Object.entries(namesByKind)) {
    const repeated = names.find((name, index) => names.indexOf(name) !== index)
    if (repeated === undefined) continue
    const message = `Context ${contextName} has two ${kind}s named ${repeated}. Rename one.`
    throw new RampartError('DEFINITION_INVALID', message)
  }
}
