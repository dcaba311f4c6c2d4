// A bounded context: deciders and projections that share one log and one set of names.
import type { Decider } from './decider.ts'
import { RampartError } from './errors.ts'
import { requireName, type AnyEvents } from './events.ts'
import type { Projection } from './projection.ts'
import { requireRepositoryKinds, type RepositoryKind, type RepositoryKinds } from './repository-kind.ts'

/** A bounded context with a log of its own. */
export interface Context<
  Name extends string = string,
  Deciders extends readonly Decider[] = readonly Decider[],
  Projections extends readonly Projection[] = readonly Projection[],
> {
  readonly name: Name
  readonly deciders: Deciders
  readonly projections: Projections
  readonly repositories: RepositoryKinds
  /** Every event definition of the context, by event type. */
  readonly eventTypes: ReadonlyMap<string, AnyEvents>
}

/**
 * Puts deciders and projections together. Names of deciders, commands, event types and projections are unique
 * within the context, and projections read events of its deciders only. Throws `DEFINITION_INVALID`
 * otherwise.
 */
export function context<
  const Name extends string,
  // oxlint-disable-next-line no-explicit-any -- commands stand in argument places, so no other type fits all
  const Deciders extends readonly Decider<string, any, any>[],
  // oxlint-disable-next-line no-explicit-any -- the same for a projection's document
  const Projections extends readonly Projection<string, any>[] = [],
>(
  name: Name,
  parts: {
    readonly deciders: Deciders
    readonly projections?: Projections
    /** How states are kept, by decider: `{ order: 'stateStored' }`; event-sourced where none is named. */
    readonly repositories?: { readonly [K in Deciders[number]['name']]?: RepositoryKind }
  },
): Context<Name, Deciders, Projections> {
  requireName('a context', name)
  const { deciders } = parts
  const repositories: RepositoryKinds = parts.repositories ?? {}
  // Absent projections mean none, which is what the type parameter's default says.
  const projections = parts.projections ?? ([] as unknown as Projections)
  const sources = deciders.map((decider) => decider.definition.of)
  requireUnique(name, {
    decider: deciders.map((decider) => decider.name),
    command: deciders.flatMap((decider) => Object.keys(decider.definition.commands)),
    projection: projections.map((projection) => projection.name),
    'event type': sources.flatMap((source) => Object.keys(source.definitions)),
  })
  requireSources(name, projections, sources)
  requireRepositoryKinds(
    name,
    repositories,
    deciders.map((decider) => decider.name),
  )
  const eventTypes = new Map<string, AnyEvents>(
    sources.flatMap((source) => Object.keys(source.definitions).map((type) => [type, source] as const)),
  )
  return { name, deciders, projections, repositories, eventTypes }
}

function requireSources(
  contextName: string,
  projections: readonly Projection[],
  sources: readonly AnyEvents[],
): void {
  for (const projection of projections) {
    const foreign = projection.sources.find((source) => !sources.includes(source))
    if (foreign === undefined) continue
    const message = `Projection ${projection.name} reads ${foreign.name}, no decider of ${contextName}.`
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
