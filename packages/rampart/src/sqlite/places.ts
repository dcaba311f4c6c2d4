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

const keyBytes = Buffer.alloc(18)

/**
 * The key of a command id: the 16 bytes of the UUID and the log's number, so that ids are unique per log. The
 * answer is overwritten by the next call; SQLite copies it when it is bound.
 */
export function commandKey(log: number, id: CommandId): Uint8Array {
  keyBytes.write(id.replaceAll('-', ''), 0, 16, 'hex')
  keyBytes.writeUInt16BE(log, 16)
  return keyBytes
}

/** A command id from the 32 hexadecimal digits that a row gives; null when the row has none. */
export function commandIdOf(hex: string): CommandId | null {
  if (hex === '') return null
  const [start, end] = [`${hex.slice(0, 8)}-${hex.slice(8, 12)}`, `${hex.slice(16, 20)}-${hex.slice(20)}`]
  // Keys are made from checked ids.
  return `${start}-${hex.slice(12, 16)}-${end}` as CommandId
}
