// Arrays as PostgreSQL reads them in binary (src/backend/utils/adt/arrayfuncs.c, array_recv): a header, then
// each element behind its length. The driver sends bytes as binary, and writing them here costs a fraction of
// the text form, which both ends would have to escape and parse.

const header = 20
const nothing = -1

type Values<Value> = readonly (Value | null)[]

/** `integer[]`. */
export function integers(values: Values<number>): Buffer {
  return fixed({ oid: 23, size: 4 }, values, (buffer, value, at) => buffer.writeInt32BE(value, at))
}

/** `bigint[]`, of whole numbers that a float keeps exactly. */
export function bigints(values: Values<number>): Buffer {
  return fixed({ oid: 20, size: 8 }, values, (buffer, value, at) => {
    buffer.writeInt32BE(Math.floor(value / 2 ** 32), at)
    buffer.writeUInt32BE(value >>> 0, at + 4)
  })
}

/** `boolean[]`. */
export function booleans(values: Values<boolean>): Buffer {
  return fixed({ oid: 16, size: 1 }, values, (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at))
}

/** `uuid[]`. */
export function uuids(values: Values<string>): Buffer {
  return fixed({ oid: 2950, size: 16 }, values, (buffer, value, at) => {
    buffer.write(value.replaceAll('-', ''), at, 16, 'hex')
  })
}

/** `text[]`. */
export function texts(values: Values<string>): Buffer {
  const lengths = values.map((value) => (value === null ? 0 : Buffer.byteLength(value)))
  return variable({ oid: 25, lengths }, values, (buffer, value, at) => void buffer.write(value, at, 'utf8'))
}

/** `bytea[]`. */
export function byteStrings(values: Values<Uint8Array>): Buffer {
  const lengths = values.map((value) => value?.length ?? 0)
  return variable({ oid: 17, lengths }, values, (buffer, value, at) => buffer.set(value, at))
}

type Write<Value> = (buffer: Buffer, value: Value, at: number) => unknown

function fixed<Value>(
  { oid, size }: { readonly oid: number; readonly size: number },
  values: Values<Value>,
  write: Write<Value>,
): Buffer {
  const buffer = open(oid, values.length, values.length * (4 + size))
  let at = header
  for (const value of values) {
    buffer.writeInt32BE(value === null ? nothing : size, at)
    at += 4
    if (value === null) continue
    write(buffer, value, at)
    at += size
  }
  return buffer.subarray(0, values.length === 0 ? emptyHeader : at)
}

function variable<Value>(
  { oid, lengths }: { readonly oid: number; readonly lengths: readonly number[] },
  values: Values<Value>,
  write: Write<Value>,
): Buffer {
  const bytes = lengths.reduce((sum, length) => sum + 4 + length, 0)
  const buffer = open(oid, values.length, bytes)
  let at = header
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? null
    const length = lengths[index] ?? 0
    buffer.writeInt32BE(value === null ? nothing : length, at)
    at += 4
    if (value === null) continue
    write(buffer, value, at)
    at += length
  }
  return buffer.subarray(0, values.length === 0 ? emptyHeader : at)
}

// An array without elements has no dimension, and its header ends before one.
const emptyHeader = 12

function open(oid: number, elements: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(header + bytes)
  buffer.writeInt32BE(elements === 0 ? 0 : 1, 0)
  // Whether there are NULLs is read from the elements themselves.
  buffer.writeInt32BE(0, 4)
  buffer.writeInt32BE(oid, 8)
  buffer.writeInt32BE(elements, 12)
  buffer.writeInt32BE(1, 16)
  return buffer
}
