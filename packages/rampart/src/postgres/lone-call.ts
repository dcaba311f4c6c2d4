// Turns one append of one event, which goes alone, into the message that calls `append_lone`, and the answer
// into a result.
import type { NewEvent, StreamWrite } from '../core/ports/index.ts'
import { contentTypeText, originText } from '../core/rows/index.ts'
import { expectedOf, type CallAnswer, type CallAppend } from './append-call.ts'
import { messageOf, type CalledStatement } from './append-message.ts'
import { bigint, boolean, bytea, integer, text, uuid } from './binary-writer.ts'
import { parameters } from './inbox-step.ts'
import { plainResultOf } from './plain-call.ts'
import { numbersAt, type Row } from './rows.ts'

/** The statement that calls `append_lone`. */
export const appendLone: CalledStatement = {
  name: 'append-lone',
  text: `SELECT rampart_write.append_lone(${parameters(19)})`,
  parameters: 19,
}

/** An append of one event to one stream. */
interface LoneAppend {
  readonly append: CallAppend
  readonly write: StreamWrite
  readonly event: NewEvent
}

/** The append of a call of plain ones that has no other, if it has one event and no state. */
export function loneOf(appends: readonly CallAppend[]): LoneAppend | undefined {
  if (appends.length > 1) return undefined
  const [append] = appends
  const [write] = append?.checked.request.writes ?? []
  if (append === undefined || write === undefined) return undefined
  const [event, ...more] = write.events
  if (event === undefined || more.length > 0 || write.state !== undefined) return undefined
  // What it builds on came to nothing.
  if (append.buildsOn[0] === -1) return undefined
  return { append, write, event }
}

/** The message that calls `append_lone`. */
export function loneMessageOf(
  log: { readonly number: number; readonly nowMs: number },
  { append, write, event }: LoneAppend,
): Buffer {
  const { command, correlationId, causationId, actor } = append.checked.request
  return messageOf(appendLone, (message) => {
    message.value(integer, log.number)
    message.value(bigint, log.nowMs)
    message.value(text, append.appendId)
    message.value(uuid, command?.id)
    message.value(text, command?.fingerprint)
    message.value(boolean, command?.leavesToInbox === true)
    message.value(text, append.checked.outcome)
    message.value(text, originText(correlationId, command))
    message.value(text, originText(causationId, command))
    message.value(text, actor)
    message.value(text, write.decider)
    message.value(text, write.id)
    message.value(bigint, expectedOf(write))
    message.value(text, event.type)
    message.value(integer, event.schemaVersion)
    message.value(text, contentTypeText(event))
    message.value(text, event.dataSubjectId)
    message.value(text, event.keyId)
    message.value(bytea, event.payload)
  })
}

/** What `append_lone` answered. */
export function loneAnswerOf({ append }: LoneAppend, epoch: string, row: Row): CallAnswer {
  const [status = 0, version = 0, position = 0, recordedAtMs = 0] = numbersAt(row, 0)
  return { results: [plainResultOf(append, epoch, { status, version, position })], recordedAtMs }
}
