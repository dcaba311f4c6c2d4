// Who wants to hear of changes of a log, and how they hear of them after a batch.
import { isFailure, type BatchReply, type Operation } from './batch.ts'

/** The listeners of one log. */
export interface LogListeners {
  readonly appended: Set<() => void>
  readonly accepted: Set<() => void>
}

/** Calls the listeners of the logs that a batch has changed, once however many appends it had. */
export function notifyListeners(
  listeners: ReadonlyMap<number, LogListeners>,
  operations: readonly Operation[],
  results: BatchReply['results'],
): void {
  const callbacks = new Set<() => void>()
  for (let index = 0; index < operations.length; index++) {
    const operation = operations[index]
    const result = results[index]
    if (operation === undefined || result === undefined || isFailure(result)) continue
    for (const callback of callbacksOf(listeners, operation, result)) callbacks.add(callback)
  }
  for (const callback of callbacks) callback()
}

const nobody: ReadonlySet<() => void> = new Set()

function callbacksOf(
  listeners: ReadonlyMap<number, LogListeners>,
  operation: Operation,
  result: BatchReply['results'][number],
): ReadonlySet<() => void> {
  if (operation.kind === 'openLog' || operation.kind === 'probe') return nobody
  if (result === null || !('status' in result)) return nobody
  const own = listeners.get(operation.log)
  if (own === undefined) return nobody
  if (result.status === 'accepted') return own.accepted
  return result.status === 'appended' ? own.appended : nobody
}
