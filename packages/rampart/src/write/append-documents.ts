// Appends with the documents of synchronous projections, and says whose fault it is when those are too much.
import { checkAppend } from '../core/checks/index.ts'
import { isRampartError, RampartError } from '../core/index.ts'
import type { AppendRequest, AppendResult, EventStore } from '../core/ports/index.ts'

/**
 * Appends. Throws `PROJECTION_FAILED` where the store would take the append without its documents: the sender
 * of the command did not make them.
 */
export function appendWithDocuments(store: EventStore, request: AppendRequest): Promise<AppendResult> {
  const appending = store.append(request)
  if (request.documents === undefined || request.documents.length === 0) return appending
  return appending.catch((fault: unknown) => {
    throw areAtFault(request, fault) ? tooMuch(request.documents?.length ?? 0, fault) : fault
  })
}

function areAtFault({ documents: _, ...request }: AppendRequest, fault: unknown): boolean {
  if (!isRampartError(fault, 'INPUT_INVALID')) return false
  try {
    checkAppend(request)
    return true
  } catch {
    // It is wrong without them, too.
    return false
  }
}

function tooMuch(count: number, cause: unknown): RampartError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message =
    `The ${count} documents that synchronous projections make of one command cannot be stored ` +
    `with its events: ${why} Let such a command decide less, or keep less in each document.`
  return new RampartError('PROJECTION_FAILED', message, { cause })
}
