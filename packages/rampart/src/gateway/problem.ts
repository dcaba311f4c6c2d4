// Turns faults into problem documents (RFC 9457); the only place that knows HTTP statuses of fault codes.
import { STATUS_CODES } from 'node:http'
import type { InputFault } from '../core/codec/index.ts'
import { errorCodes, isRampartError, type ErrorCode, type Json, type RampartError } from '../core/index.ts'

const statusByCode = {
  APP_INVALID: 500,
  BODY_MALFORMED: 400,
  BODY_TOO_LARGE: 413,
  CAPABILITY_MISSING: 500,
  COMMAND_TYPE_UNKNOWN: 404,
  COMMAND_UNKNOWN: 404,
  CONTENT_TYPE_UNSUPPORTED: 415,
  DECIDER_FAILED: 500,
  DEFINITION_INVALID: 500,
  EVENT_INVALID: 500,
  EVENT_TYPE_UNKNOWN: 500,
  FORBIDDEN: 403,
  HEADERS_TOO_LARGE: 431,
  HEADER_INVALID: 400,
  IDEMPOTENCY_KEY_REUSED: 409,
  INPUT_INVALID: 400,
  INTERNAL: 500,
  ISSUER_UNAVAILABLE: 503,
  BACKUP_INVALID: 500,
  FUTURE_LOST: 503,
  KEY_QUARANTINED: 503,
  LEASE_LOST: 503,
  METHOD_NOT_ALLOWED: 405,
  OUTCOME_UNKNOWN: 503,
  OVERLOADED: 429,
  PROJECTION_FAILED: 500,
  PROJECTION_STOPPED: 503,
  PROJECTION_UNKNOWN: 404,
  RATE_LIMITED: 429,
  READ_MODEL_BEHIND: 504,
  READ_NOT_FOUND: 404,
  REQUEST_MALFORMED: 400,
  REQUEST_TIMEOUT: 408,
  ROLE_ELSEWHERE: 404,
  ROUTE_UNKNOWN: 404,
  SCHEMA_ASYNCHRONOUS: 500,
  SERVER_FULL: 503,
  SETTING_INVALID: 500,
  SHUTTING_DOWN: 503,
  SQLITE_TOO_OLD: 500,
  STORE_CLOSED: 503,
  STATE_UNREADABLE: 500,
  STORE_FULL: 503,
  STORE_LOCKED: 503,
  STORE_SCHEMA_NEWER: 503,
  STORE_UNAVAILABLE: 503,
  STREAM_CONTENDED: 503,
  TOKEN_INVALID: 400,
  UNAUTHENTICATED: 401,
  UPCAST_FAILED: 500,
  VERSION_MISMATCH: 412,
} satisfies Record<ErrorCode, number>

// What an operator must know of these stands in the log; a caller can only wait or report it.
const textOfCode: Partial<Record<ErrorCode, string>> = {
  OUTCOME_UNKNOWN: 'It is not known whether this was recorded. Send it again with the same key.',
  STORE_CLOSED: 'The store is closed. Try again later.',
  STORE_FULL: 'The store has no room for more. Nothing was recorded; try again later.',
  STORE_LOCKED: 'The store is in use elsewhere. Try again later.',
  STORE_SCHEMA_NEWER: 'The store needs a newer version of this server.',
  STORE_UNAVAILABLE: 'The store does not answer. Try again later, with the same key.',
}
const internalText = 'Something failed that should not. The server has logged it.'

/** Most faults that one problem document lists. */
export const problemFaultsMax = 100
/** Most bytes of one problem document. */
export const problemBytesMax = 64 * 1024
const textLengthMax = 2048
const retryAfterSeconds: Partial<Record<number, string>> = { 429: '1', 503: '2' }

/** What a problem document says. */
export interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly members?: { readonly [member: string]: Json | undefined }
  readonly headers?: Readonly<Record<string, string>>
}

/** The HTTP status of a code; 500 for what is no fault code of the platform. */
export function statusOf(code: string): number {
  return isErrorCode(code) ? statusByCode[code] : 500
}

/**
 * What a caller is told of a fault: its own sentence, but for what only an operator can mend. Codes that are
 * none of the platform stand for a defect.
 */
export function toldOf(code: string, sentence: string): string {
  const own = isErrorCode(code) ? textOfCode[code] : undefined
  return own ?? (statusOf(code) === 500 ? internalText : sentence)
}

/**
 * Describes a fault for its caller. What is no fault of the platform becomes `INTERNAL` and keeps its
 * secrets.
 */
export function problemOf(error: unknown, extra: Partial<Problem> = {}): Problem {
  if (!isRampartError(error)) return { status: 500, code: 'INTERNAL', detail: internalText }
  const status = statusByCode[error.code]
  const { faults, version, consistencyToken } = error.details
  const members = {
    // Those of a defect point into what the app has made, and not into what was sent.
    ...(Array.isArray(faults) && status !== 500 ? { errors: faultList(faults) } : {}),
    ...(typeof version === 'number' ? { version } : {}),
    ...(typeof consistencyToken === 'string' ? { consistencyToken } : {}),
    ...extra.members,
  }
  const headers = { ...headersOf(error), ...extra.headers }
  return { status, code: error.code, detail: toldOf(error.code, error.message), ...extra, members, headers }
}

function headersOf({ details: { token, challenge } }: RampartError): Readonly<Record<string, string>> {
  return {
    ...(typeof token === 'string' ? { 'consistency-token': token } : {}),
    ...(typeof challenge === 'string' ? { 'www-authenticate': challenge } : {}),
  }
}

/** The headers of an answer with this status that say when to try again. */
export function retryHeaders(status: number): Readonly<Record<string, string>> {
  const retryAfter = retryAfterSeconds[status]
  return retryAfter === undefined ? {} : { 'retry-after': retryAfter }
}

/** Writes a problem document as an answer, with `Retry-After` where trying again helps. */
export function problemResponse(problem: Problem): Response {
  return new Response(problemText(problem), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...retryHeaders(problem.status),
      ...problem.headers,
    },
  })
}

/** The JSON of a problem document, never longer than `problemBytesMax`. */
export function problemText({ status, code, detail, members = {} }: Problem): string {
  const document = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Problem',
    status,
    detail: shortened(detail),
    code: shortened(code),
  }
  const text = JSON.stringify({ ...document, ...members })
  if (isShort(text)) return text
  const { errors, data: _data, ...others } = members
  let faults = Array.isArray(errors) ? errors : []
  while (faults.length > 0) {
    faults = faults.slice(0, faults.length >> 1)
    const shorter = JSON.stringify({ ...document, ...others, errors: faults })
    if (isShort(shorter)) return shorter
  }
  const least = JSON.stringify({ ...document, ...others })
  return isShort(least) ? least : JSON.stringify(document)
}

function isShort(text: string): boolean {
  return Buffer.byteLength(text) <= problemBytesMax
}

function faultList(faults: readonly InputFault[]): readonly Json[] {
  return faults
    .slice(0, problemFaultsMax)
    .map(({ pointer, detail }) => ({ pointer: shortened(pointer), detail: shortened(detail) }))
}

function shortened(text: string): string {
  return text.length <= textLengthMax ? text : `${text.slice(0, textLengthMax).toWellFormed()}…`
}

function isErrorCode(code: string): code is ErrorCode {
  return errorCodes.some((known) => known === code)
}
