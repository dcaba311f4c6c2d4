// How the rows of several logs share tables: places (log and position in one number) and command keys.
import type { CommandId, Position } from '../core/codec/index.ts'

// 2^43 positions for each of 1,023 logs: their product is the largest whole number that a float keeps
// exactly.
const placesPerLog = 2 ** 43

/** The largest position that a log has room for. */
export const positionMax = placesPerLog - 1

/** The largest number of a log. */
export const logNumberMax = 1023

/** The place of a position in a log; position 0 is just before its first event. */
export function placeOf(log: number, position: number): number {
  return log * placesPerLog + position
}

/** The number of a place's log. */
export function logNumberOf(place: number): number {
  return Math.floor(place / placesPerLog)
}

/** The position of a place, whatever its log. */
export function positionOf(place: number): Position {
  // Places are made from checked positions.
  return (place % placesPerLog) as Position
}

const keyBytes = new Uint8Array(18)
const hyphen = 45
/** What a hexadecimal digit in lower case counts, by its character. */
const digits = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? 0 : digit
})

/**
 * The key of a command id: the 16 bytes of the UUID and the log's number, so that ids are unique per log. The
 * answer is overwritten by the next call; SQLite copies it when it is bound.
 */
export function commandKey(log: number, id: CommandId): Uint8Array {
  let at = 0
  for (let index = 0; at < 16; index += 2) {
    if (id.charCodeAt(index) === hyphen) index++
    keyBytes[at++] = (digitAt(id, index) << 4) | digitAt(id, index + 1)
  }
  keyBytes[16] = log >> 8
  keyBytes[17] = log & 0xff
  return keyBytes
}

function digitAt(id: string, index: number): number {
  return digits[id.charCodeAt(index)] ?? 0
}

/** A command id from the 32 hexadecimal digits that a row gives; null when the row has none. */
export function commandIdOf(hex: string): CommandId | null {
  if (hex === '') return null
  const [start, end] = [`${hex.slice(0, 8)}-${hex.slice(8, 12)}`, `${hex.slice(16, 20)}-${hex.slice(20)}`]
  // Keys are made from checked ids.
  return `${start}-${hex.slice(12, 16)}-${end}` as CommandId
}
