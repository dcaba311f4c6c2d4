// The four values that hurt when confused, each a brand with one constructor that validates.
import { RampartError } from './errors.ts'

declare const brand: unique symbol

/** The id of a stream within its decider: 1 to 1,024 bytes of UTF-8 without control characters. */
export type StreamId = string & { readonly [brand]: 'StreamId' }
/** How many events a stream has; 0 when it has none. */
export type StreamVersion = number & { readonly [brand]: 'StreamVersion' }
/** A place in a log; the first event has 1, and 0 stands before it. */
export type Position = number & { readonly [brand]: 'Position' }
/** The id of a command: a UUID in lower case. */
export type CommandId = string & { readonly [brand]: 'CommandId' }

/** Longest stream id and document key, in bytes of UTF-8. */
export const idBytesMax = 1024

/** Says what is wrong with a stream id or document key; `undefined` when nothing is. */
export function idFault(id: string): string | undefined {
  if (id === '') return 'is empty'
  if (!id.isWellFormed()) return 'holds a lone surrogate'
  if (id === '.' || id === '..') return 'is a dot segment, which URLs cannot carry'
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(id)) return 'holds a control character'
  if (id.length > idBytesMax || utf8Bytes(id) > idBytesMax) return `is longer than ${idBytesMax} bytes`
  return undefined
}

const encoder = new TextEncoder()

function utf8Bytes(text: string): number {
  return text.length * 3 <= idBytesMax ? text.length : encoder.encode(text).length
}

/** A checked stream id. Throws `INPUT_INVALID` when `idFault` finds one. */
export function streamId(id: string): StreamId {
  const fault = idFault(id)
  if (fault !== undefined) throw new RampartError('INPUT_INVALID', `The stream id ${quoted(id)} ${fault}.`)
  // Checked by the lines above; a brand has no other way in.
  return id as StreamId
}

/** A checked stream version: a whole number from 0 to 2^53 - 1. Throws `INPUT_INVALID`. */
export function streamVersion(version: number): StreamVersion {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new RampartError('INPUT_INVALID', `${version} is not a stream version. Use a whole number from 0.`)
  }
  // Checked by the lines above; a brand has no other way in.
  return version as StreamVersion
}

/** A checked position: a whole number from 0 to 2^53 - 1. Throws `INPUT_INVALID`. */
export function position(place: number): Position {
  if (!Number.isSafeInteger(place) || place < 0) {
    throw new RampartError('INPUT_INVALID', `${place} is not a position. Use a whole number from 0.`)
  }
  // Checked by the lines above; a brand has no other way in.
  return place as Position
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** True for a UUID of any version in lower case. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}

/** A checked command id. Throws `INPUT_INVALID` for what is no UUID in lower case. */
export function commandId(id: string): CommandId {
  if (!isUuid(id))
    throw new RampartError('INPUT_INVALID', `${quoted(id)} is not a command id, which is a UUID.`)
  // Checked by the line above; a brand has no other way in.
  return id as CommandId
}

/** A text as it may stand in a message: short, well-formed, in quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80).toWellFormed()}…` : text.toWellFormed())
}
