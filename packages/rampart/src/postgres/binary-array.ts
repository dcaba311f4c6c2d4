// Arrays for the driver, which sends bytes as binary: writing them here costs a fraction of the text form,
// which both ends would have to escape and parse.
import { BinaryWriter, bigint, boolean, bytea, integer, text, uuid, type Kind } from './binary-writer.ts'

type Values<Value> = readonly (Value | null)[]

/** `integer[]`. */
export const integers = (values: Values<number>): Buffer => arrayOf(integer, values)

/** `bigint[]`, of whole numbers that a float keeps exactly. */
export const bigints = (values: Values<number>): Buffer => arrayOf(bigint, values)

/** `boolean[]`. */
export const booleans = (values: Values<boolean>): Buffer => arrayOf(boolean, values)

/** `uuid[]`. */
export const uuids = (values: Values<string>): Buffer => arrayOf(uuid, values)

/** `text[]`. */
export const texts = (values: Values<string>): Buffer => arrayOf(text, values)

/** `bytea[]`. */
export const byteStrings = (values: Values<Uint8Array>): Buffer => arrayOf(bytea, values)

const writer = new BinaryWriter()

function arrayOf<Value>(kind: Kind<Value>, values: Values<Value>): Buffer {
  return writer.take(() => writer.array(kind, values, (value) => value))
}
