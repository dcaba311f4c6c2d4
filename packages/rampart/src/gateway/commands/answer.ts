// Writes the status of a command as an answer: to its sender, or to whoever asks for it later.
import { encodeToken } from '../../core/codec/index.ts'
import type { Json } from '../../core/index.ts'
import type { CommandStatus, FinalCommand } from '../../write/index.ts'
import { jsonResponse } from '../exchange.ts'
import { problemResponse, statusOf, toldOf } from '../problem.ts'
import type { CommandRoute } from '../resource-route.ts'

/** How the sender of a command is answered. */
export interface AnswerForm {
  readonly prefix: string
  /** Members of the app's own: in place of the generic ones in a 202, beside them otherwise. */
  readonly members?: CommandRoute['answer']
}

/** The answer to the sender of a command: 200, 202, 422, or the status of what made it fail. */
export function answerOf(status: CommandStatus, { prefix, members }: AnswerForm): Response {
  const own = members?.({ streamId: status.streamId, commandId: status.commandId })
  const { commandId, streamId } = status
  switch (status.status) {
    case 'received': {
      const body = own ?? { commandId, status: 'received', streamId }
      return jsonResponse(body, 202, { location: `${prefix}/commands/${commandId}` })
    }
    case 'succeeded': {
      const { version, position } = status
      const body = { commandId, status: 'succeeded', streamId, version, position, ...own }
      return jsonResponse(body, 200, { 'consistency-token': tokenTextOf(status) })
    }
    case 'refused':
    case 'failed':
      return problemResponse({
        status: status.status === 'refused' ? 422 : statusOf(status.code),
        code: status.code,
        detail: detailOf(status),
        members: { commandId, ...dataOf(status), ...own },
        headers: { 'consistency-token': tokenTextOf(status) },
      })
  }
}

/** The body of a status resource; final ones carry the consistency token. */
export function statusBody(status: CommandStatus): { readonly [member: string]: Json } {
  const { commandId, streamId } = status
  switch (status.status) {
    case 'received':
      return { commandId, status: 'received', streamId }
    case 'succeeded': {
      const { version, position } = status
      const consistencyToken = tokenTextOf(status)
      return { commandId, status: 'succeeded', streamId, version, position, consistencyToken }
    }
    case 'refused':
    case 'failed': {
      const { code } = status
      const named = { commandId, status: status.status, streamId, code, detail: detailOf(status) }
      return { ...named, ...dataOf(status), consistencyToken: tokenTextOf(status) }
    }
  }
}

/** A refusal is the app's own sentence; what is stored of a failure is meant for operators as well. */
function detailOf({ status, code, detail }: Exclude<FinalCommand, { status: 'succeeded' }>): string {
  return status === 'refused' ? detail : toldOf(code, detail)
}

/** The consistency token of a final status: its log and the place that it reached. */
export function tokenTextOf(status: FinalCommand): string {
  return encodeToken(new Map([[status.log, status.place]]))
}

/** What a refusal told programs, and the version of a stream that had another one than was demanded. */
function dataOf(status: Exclude<FinalCommand, { status: 'succeeded' }>): Readonly<Record<string, Json>> {
  if (status.status === 'refused') return status.data === undefined ? {} : { data: status.data }
  return status.version === undefined ? {} : { version: status.version }
}
