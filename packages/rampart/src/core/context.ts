// A bounded context: deciders and projections that share one log and one set of names.
import type { Decider } from './decider.ts'
import { RampartError } from './errors.ts'
import { requireName, type AnyEvents } from './events.ts'
import type { Projection } from './projection.ts'

/** A bounded context with a log of its own. */
export interface Context<
  Name extends string = string,
  Deciders extends readonly Decider[] = readonly Decider[],
  Projections extends readonly Projection[] = readonly Projection[],
> {
  readonly name: Name
  readonly deciders: Deciders
  readonly projections: Projections
  /** Every event definition of the context, by event type. */
  readonly eventTypes: ReadonlyMap<string, AnyEvents>
}

/**
 * Puts deciders and projections together. Names of deciders, commands, event types and projections are unique within
 * the context, and projections read events of its deciders only. Throws `DEFINITION_INVALID` otherwise.
 */
export function context<
  const Name extends string,
  // oxlint-disable-next-line no-explicit-any -- a decider's commands stand in argument places, so no other type fits all
  const Deciders extends readonly Decider<string, any, any>[],
  // oxlint-disable-next-line no-explicit-any -- the same for a projection's document
  const Projections extends readonly Projection<string, any>[] = [],
>(
  name: Name,
  parts: { readonly deciders: Deciders; readonly projections?: Projections },
): Context<Name, Deciders, Projections> {
  requireName('a context', name)
  const { deciders } = parts
  // Absent projections mean none, which is what the type parameter's default says.
  const projections = parts.projections ?? ([] as unknown as Projections)
  requireUnique(
    name,
    'decider',
    deciders.map((decider) => decider.name),
  )
  requireUnique(
    name,
    'command',
    deciders.flatMap((decider) => Object.keys(decider.definition.commands)),
  )
  requireUnique(
    name,
    'projection',
    projections.map((projection) => projection.name),
  )
  const sources = deciders.map((decider) => decider.definition.of)
  requireUnique(
    name,
    'event type',
    sources.flatMap((source) => Object.keys(source.definitions)),
  )
  for (const projection of projections) {
    const foreign = projection.sources.find((source) => !sources.includes(source))
    if (foreign === undefined) continue
    const message = `Projection ${projection.name} reads ${foreign.name}, which is no decider of context ${name}.`
    throw new RampartError('DEFINITION_INVALID', message)
  }
  const eventTypes = new Map<string, AnyEvents>(
    sources.flatMap((source) => Object.keys(source.definitions).map((type) => [type, source] as const)),
  )
  return { name, deciders, projections, eventTypes }
}

function requireUnique(contextName: string, what: string, names: readonly string[]): void {
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated === undefined) return
  throw new RampartError(
    'DEFINITION_INVALID',
    `Context ${contextName} has two ${what}s named ${repeated}. Rename one.`,
  )
}
