// Cuts a batch into runs: operations of one kind and log that one call to the database can take together.
import type { Operation } from '../core/group-commit/index.ts'
import type { AppendRequest, MatchCondition } from '../core/ports/index.ts'

/** Appends or acceptances for one call, or one operation of another kind. */
export type Run = readonly [Operation, ...Operation[]]

/** The runs of a batch, in its order. */
export function runsOf(operations: readonly Operation[]): readonly Run[] {
  const runs: [Operation, ...Operation[]][] = []
  let ids = new Set<string>()
  for (const operation of operations) {
    const run = runs.at(-1)
    const id = commandIdOf(operation)
    if (run !== undefined && goesWith(run, operation) && !(id !== undefined && ids.has(id))) {
      run.push(operation)
    } else {
      runs.push([operation])
      ids = new Set()
    }
    if (id !== undefined) ids.add(id)
  }
  return runs
}

// The database checks a call against what was committed before it: what depends on an append of the same call
// in another way than by versions waits for the next one.
function goesWith(run: Run, operation: Operation): boolean {
  const [first] = run
  if (operation.kind === 'accept') return first.kind === 'accept' && first.log === operation.log
  if (operation.kind !== 'append' || first.kind !== 'append' || first.log !== operation.log) return false
  const { request } = operation.append
  if (request.writes.some((write) => write.buildsOn !== undefined && write.expectedVersion === 'any'))
    return false
  const conditions = request.failIfMatch ?? []
  if (conditions.length === 0) return true
  return !run.some((earlier) => earlier.kind === 'append' && mayMatch(earlier.append.request, conditions))
}

function mayMatch({ writes }: AppendRequest, conditions: readonly MatchCondition[]): boolean {
  const events = writes.flatMap((write) => write.events)
  return events.some(({ type, tags = [] }) =>
    conditions.some(
      (condition) =>
        (condition.types?.includes(type) ?? true) && condition.tags.every((tag) => tags.includes(tag)),
    ),
  )
}

function commandIdOf(operation: Operation): string | undefined {
  if (operation.kind === 'append') return operation.append.request.command?.id
  return operation.kind === 'accept' ? operation.accepted.command.commandId : undefined
}
