// Who wants to hear of changes of a log, and how they hear of them after a batch, before its callers go on.
import type { KeptChange } from '../ports/document-store.ts'
import type { AppendRequest } from '../ports/event-store.ts'
import type { LogPlace } from '../ports/log.ts'
import { isFailure, type BatchReply, type Operation } from './batch.ts'

/** The listeners of one log. */
export interface LogListeners {
  readonly appended: Set<() => void>
  readonly accepted: Set<() => void>
  /** Those of the collections that are kept with the log, by number. */
  readonly kept: Map<number, Set<(change: KeptChange) => void>>
}

interface Changes {
  isAccepting: boolean
  readonly appends: AppendRequest[]
  place: LogPlace | undefined
}

/** Calls the listeners of the logs that a batch has changed, once however many appends it had. */
export function notifyListeners(
  listeners: ReadonlyMap<number, LogListeners>,
  operations: readonly Operation[],
  results: BatchReply['results'],
): void {
  const changed = new Map<number, Changes>()
  for (let index = 0; index < operations.length; index++) {
    const operation = operations[index]
    const result = results[index]
    if (operation?.kind !== 'append' && operation?.kind !== 'accept') continue
    if (result === undefined || result === null || isFailure(result) || !('status' in result)) continue
    const changes = changed.get(operation.log) ?? { isAccepting: false, appends: [], place: undefined }
    changed.set(operation.log, changes)
    if (result.status === 'accepted') changes.isAccepting = true
    if (result.status !== 'appended' || operation.kind !== 'append') continue
    changes.appends.push(operation.append.request)
    changes.place = result.place
  }
  for (const [log, changes] of changed) tell(listeners.get(log), changes)
}

function tell(own: LogListeners | undefined, { isAccepting, appends, place }: Changes): void {
  if (own === undefined) return
  if (isAccepting) for (const callback of own.accepted) callback()
  if (place === undefined) return
  for (const [number, callbacks] of own.kept) {
    const keys = new Set(appends.flatMap(({ documents = [] }) => keysIn(documents, number)))
    for (const callback of callbacks) callback({ place, keys })
  }
  for (const callback of own.appended) callback()
}

function keysIn(documents: NonNullable<AppendRequest['documents']>, number: number): readonly string[] {
  return documents.filter(({ collection }) => collection === number).map(({ key }) => key)
}
