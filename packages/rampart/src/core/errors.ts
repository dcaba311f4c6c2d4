// All faults of the platform: one class, one closed table of codes, and whether something may have happened.

/** Every fault code there is. Statuses and texts for people hang off this list elsewhere. */
export const errorCodes = [
  'APP_INVALID',
  'BACKUP_INVALID',
  'BODY_MALFORMED',
  'BODY_TOO_LARGE',
  'CAPABILITY_MISSING',
  'COMMAND_TYPE_UNKNOWN',
  'COMMAND_UNKNOWN',
  'CONTENT_TYPE_UNSUPPORTED',
  'DECIDER_FAILED',
  'DEFINITION_INVALID',
  'EVENT_INVALID',
  'EVENT_TYPE_UNKNOWN',
  'FORBIDDEN',
  'FUTURE_LOST',
  'HEADERS_TOO_LARGE',
  'HEADER_INVALID',
  'IDEMPOTENCY_KEY_REUSED',
  'INPUT_INVALID',
  'INTERNAL',
  'ISSUER_UNAVAILABLE',
  'KEY_QUARANTINED',
  'LEASE_LOST',
  'METHOD_NOT_ALLOWED',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'PROJECTION_FAILED',
  'PROJECTION_STOPPED',
  'PROJECTION_UNKNOWN',
  'RATE_LIMITED',
  'READ_MODEL_BEHIND',
  'READ_NOT_FOUND',
  'REQUEST_MALFORMED',
  'REQUEST_TIMEOUT',
  'ROLE_ELSEWHERE',
  'ROUTE_UNKNOWN',
  'SCHEMA_ASYNCHRONOUS',
  'SERVER_FULL',
  'SETTING_INVALID',
  'SHUTTING_DOWN',
  'SQLITE_TOO_OLD',
  'STORE_CLOSED',
  'STATE_UNREADABLE',
  'STORE_FULL',
  'STORE_LOCKED',
  'STORE_SCHEMA_NEWER',
  'STORE_UNAVAILABLE',
  'STREAM_CONTENDED',
  'TOKEN_INVALID',
  'UNAUTHENTICATED',
  'UPCAST_FAILED',
  'VERSION_MISMATCH',
] as const

/** A fault code. */
export type ErrorCode = (typeof errorCodes)[number]

/**
 * Whether a fault left everything as it was (`definite`) or something may have happened all the same
 * (`unknown`).
 */
export type FaultEffect = 'definite' | 'unknown'

/** What a fault carries beside its code and message. */
export interface FaultOptions {
  readonly cause?: unknown
  /** `definite` unless said. */
  readonly effect?: FaultEffect
  /** Machine-readable members for the person or program that must act on it. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The one class of faults. Recognise faults by `code` (`isRampartError`), never by `instanceof`: two copies
 * of the package must still agree. The message says what happened, to what, and what to do.
 */
export class RampartError extends Error {
  override readonly name = 'RampartError'
  readonly code: ErrorCode
  readonly effect: FaultEffect
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.effect = options.effect ?? 'definite'
    this.details = options.details ?? {}
  }
}

/**
 * True for a fault of this platform, of the given code when one is given, whichever copy of the package threw
 * it.
 */
export function isRampartError(error: unknown, code?: ErrorCode): error is RampartError {
  if (!(error instanceof Error) || error.name !== 'RampartError' || !('code' in error)) return false
  return code === undefined ? errorCodes.some((known) => known === error.code) : error.code === code
}
