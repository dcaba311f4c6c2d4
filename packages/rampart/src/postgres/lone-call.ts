// Turns one append of one event, which goes alone, into the arguments of `append_lone`, and its answer into a
// result.
import type { NewEvent, StreamWrite } from '../core/ports/index.ts'
import { contentTypeText, originText } from '../core/rows/index.ts'
import { expectedOf, type CallAppend, type CallResult } from './append-call.ts'
import { plainResultOf } from './plain-call.ts'
import { numbersAt, type Row } from './rows.ts'

/** The number of arguments of `append_lone`. */
export const loneArguments = 19

/** An append of one event to one stream. */
interface LoneAppend {
  readonly append: CallAppend
  readonly write: StreamWrite
  readonly event: NewEvent
}

/** The append of a call of plain ones that has no other, if it has one event and no state. */
export function loneOf([append, ...others]: readonly CallAppend[]): LoneAppend | undefined {
  const [write] = append?.checked.request.writes ?? []
  if (append === undefined || write === undefined || others.length > 0) return undefined
  const [event, ...more] = write.events
  if (event === undefined || more.length > 0 || write.state !== undefined) return undefined
  // What it builds on came to nothing.
  if (append.buildsOn[0] === -1) return undefined
  return { append, write, event }
}

/** The arguments of `append_lone`. */
export function loneArgumentsOf(
  log: { readonly number: number; readonly nowMs: number },
  { append, write, event }: LoneAppend,
): readonly unknown[] {
  const { command, correlationId, causationId, actor } = append.checked.request
  return [
    log.number,
    log.nowMs,
    append.appendId,
    command?.id,
    command?.fingerprint,
    command?.leavesToInbox === true,
    append.checked.outcome,
    originText(correlationId, command),
    originText(causationId, command),
    actor,
    write.decider,
    write.id,
    expectedOf(write),
    event.type,
    event.schemaVersion,
    contentTypeText(event),
    event.dataSubjectId,
    event.keyId,
    event.payload,
  ]
}

/** What `append_lone` answered. */
export function loneResultOf({ append }: LoneAppend, epoch: string, row: Row): CallResult {
  const [status = 0, version = 0, position = 0] = numbersAt(row, 0)
  return plainResultOf(append, epoch, { status, version, position })
}
