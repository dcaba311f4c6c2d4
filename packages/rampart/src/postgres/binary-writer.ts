// Writes values as PostgreSQL reads them in binary, one behind the other, into memory that is used again.
//
// A buffer for each value, and one for each length that a growing message has had, would have to be collected
// again; V8 looks through its whole heap for that, which costs as much as the appends themselves.

const bytesAtFirst = 64 * 1024
/** What one large call needed is not kept for ever. */
const bytesKeptMax = 1024 * 1024
const nothing = -1
const bytesPerUnitMax = 3
/** Shorter texts are written sooner here than by a call into the runtime. */
const shortMax = 40
const asciiMax = 0x7f

/** A type of PostgreSQL. */
export interface Kind<Value> {
  /** Its `oid` in pg_type. */
  readonly oid: number
  readonly write: (writer: BinaryWriter, value: Value) => void
}

export const boolean: Kind<boolean> = { oid: 16, write: (writer, value) => writer.byte(value ? 1 : 0) }
export const bytea: Kind<Uint8Array> = { oid: 17, write: (writer, value) => writer.bytes(value) }
/** Whole numbers that a float keeps exactly. */
export const bigint: Kind<number> = { oid: 20, write: (writer, value) => writer.int64(value) }
export const integer: Kind<number> = { oid: 23, write: (writer, value) => writer.int32(value) }
export const text: Kind<string> = { oid: 25, write: (writer, value) => writer.text(value) }
export const uuid: Kind<string> = { oid: 2950, write: (writer, value) => writer.hexadecimal(value) }

/** Writes values one behind the other. */
export class BinaryWriter {
  #bytes = Buffer.allocUnsafe(bytesAtFirst)
  #end = 0

  /**
   * What `write` writes, in memory of its own. One at a time; what was written before it throws is gone.
   */
  take(write: (writer: BinaryWriter) => void): Buffer {
    try {
      write(this)
      const taken = Buffer.allocUnsafe(this.#end)
      this.#bytes.copy(taken, 0, 0, this.#end)
      return taken
    } finally {
      this.#end = 0
      if (this.#bytes.length > bytesKeptMax) this.#bytes = Buffer.allocUnsafe(bytesAtFirst)
    }
  }

  /** A value behind its length. */
  value<Value>(kind: Kind<Value>, value: Value | null | undefined): void {
    if (value === null || value === undefined) return this.int32(nothing)
    const start = this.open()
    kind.write(this, value)
    this.close(start)
  }

  /**
   * An array of one dimension (src/backend/utils/adt/arrayfuncs.c, array_recv): a header, then each element
   * behind its length.
   */
  array<Item, Value>(
    kind: Kind<Value>,
    items: readonly Item[],
    valueOf: (item: Item) => Value | null | undefined,
  ): void {
    this.#arrayHeader(kind, items.length)
    // An iterator makes an object for each item, and a call has twenty arrays or more.
    items.forEach((item) => this.value(kind, valueOf(item)))
  }

  #arrayHeader({ oid }: { readonly oid: number }, length: number): void {
    this.int32(length === 0 ? 0 : 1)
    // Whether there are NULLs is read from the elements themselves.
    this.int32(0)
    this.int32(oid)
    if (length === 0) return
    this.int32(length)
    this.int32(1)
  }

  /** Leaves room for a length that `close` fills in; the answer is where that begins. */
  open(): number {
    this.int32(0)
    return this.#end
  }

  /** Fills in the length of what was written since `open`, which counts itself where `own` bytes are said. */
  close(start: number, own = 0): void {
    this.#bytes.writeInt32BE(this.#end - start + own, start - 4)
  }

  byte(value: number): void {
    this.#need(1)
    this.#bytes[this.#end++] = value
  }

  int16(value: number): void {
    this.#need(2)
    this.#end = this.#bytes.writeInt16BE(value, this.#end)
  }

  int32(value: number): void {
    this.#need(4)
    this.#end = this.#bytes.writeInt32BE(value, this.#end)
  }

  int64(value: number): void {
    this.#need(8)
    this.#end = this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), this.#end)
    this.#end = this.#bytes.writeUInt32BE(value >>> 0, this.#end)
  }

  bytes(value: Uint8Array): void {
    this.#need(value.length)
    this.#bytes.set(value, this.#end)
    this.#end += value.length
  }

  /** In UTF-8; what is no Unicode becomes a replacement character. */
  text(value: string): void {
    this.#need(value.length * bytesPerUnitMax)
    if (value.length > shortMax || !this.#ascii(value)) this.#end += this.#bytes.write(value, this.#end)
  }

  /** The bytes that hexadecimal digits name; dashes between them count for nothing. */
  hexadecimal(value: string): void {
    this.#need(value.length)
    let high = nothing
    for (let index = 0; index < value.length; index++) {
      const digit = digitOf(value.charCodeAt(index))
      if (digit === nothing) continue
      if (high !== nothing) this.#bytes[this.#end++] = 16 * high + digit
      high = high === nothing ? digit : nothing
    }
  }

  /** False where a character needs more than a byte. */
  #ascii(value: string): boolean {
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > asciiMax) return false
      this.#bytes[this.#end + index] = code
    }
    this.#end += value.length
    return true
  }

  #need(bytes: number): void {
    const end = this.#end + bytes
    if (end <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
  }
}

const [code0, code9, codeA, codeF] = [0x30, 0x39, 0x61, 0x66]
const lowerCase = 0x20

function digitOf(code: number): number {
  if (code >= code0 && code <= code9) return code - code0
  const lower = code | lowerCase
  return lower >= codeA && lower <= codeF ? lower - codeA + 10 : nothing
}
