// Checks of single values in requests; each throws `INPUT_INVALID` and names what is wrong.
import { RampartError } from '../errors.ts'
import { idFault, isUuid, quoted } from '../identity.ts'
import type { Json } from '../json.ts'
import { nameLengthMax } from '../ports/event-store.ts'

/** What anything costs beside its texts and payloads, so that empty things count, too. */
export const fixedBytes = 200
/** Longest ticket of an append. */
export const ticketLengthMax = 64

/** The JSON of a value. */
export function jsonText(what: string, value: Json): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new RampartError('INPUT_INVALID', `The ${what} cannot be written as JSON.`, { cause })
  }
  if (text === undefined) throw invalid(`The ${what} is missing.`)
  return text
}

/** Demands a UUID in lower case. */
export function checkCommandId(id: string): void {
  if (!isUuid(id)) throw invalid(`${quoted(id)} is not a command id, which is a UUID in lower case.`)
}

/** Demands what may name a stream or a document. Answers with what it weighs. */
export function checkId(id: string, what = 'stream id'): number {
  const fault = idFault(id)
  if (fault !== undefined) throw invalid(`The ${what} ${quoted(id)} ${fault}.`)
  return id.length
}

/** Demands a text of that length. Answers with what it weighs. */
export function checkName(what: string, name: string, lengthMax = nameLengthMax): number {
  if (typeof name !== 'string' || name === '') throw invalid(`The ${what} is empty.`)
  if (name.length > lengthMax) throw invalid(`The ${what} ${quoted(name)} is longer than ${lengthMax}.`)
  if (!name.isWellFormed()) throw invalid(`The ${what} ${quoted(name)} holds a lone surrogate.`)
  if (name.includes('\0')) throw invalid(`The ${what} ${quoted(name)} holds the character NUL.`)
  return name.length
}

/** Demands a whole number from 0. */
export function checkCount(what: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return
  throw invalid(`${count} is not a valid ${what}. Use a whole number from 0.`)
}

/** The fault of a value that is not allowed. */
export function invalid(message: string): RampartError {
  return new RampartError('INPUT_INVALID', message)
}
