// Calls a prepared statement by messages that are put together here, with all values in binary, and go to
// the socket as one piece; the driver does the rest.
// (https://www.postgresql.org/docs/15/protocol-message-formats.html)
import { Query, type Client } from 'pg'
import { BinaryWriter, type Kind } from './binary-writer.ts'
import type { Statement } from './database.ts'
import { plainTypes, type Row } from './rows.ts'

/** A statement that each connection prepares before it is called. */
export interface CalledStatement extends Statement {
  /** How many parameters it has. */
  readonly parameters: number
}

const messages = { bind: 0x42, describe: 0x44, execute: 0x45, sync: 0x53 } as const
const portal = 0x50
const lengthBytes = 4

const memory = new BinaryWriter()

/** What follows each Bind: the unnamed portal is described, and runs to its end. */
const describeAndExecute = memory.take((writer) => {
  writeMessage(writer, messages.describe, () => {
    writer.byte(portal)
    writer.byte(0)
  })
  writeMessage(writer, messages.execute, () => {
    writer.byte(0)
    // All rows.
    writer.int32(0)
  })
  writeMessage(writer, messages.sync, () => undefined)
})

/** SQL that prepares a statement on a connection. */
export function preparing({ name, text }: CalledStatement): string {
  return `PREPARE "${name}" AS ${text}`
}

/** The messages of a call; `write` writes its parameters in their order, each behind its length. */
export function messageOf(
  { name, parameters }: CalledStatement,
  write: (parameters: BinaryWriter) => void,
): Buffer {
  return memory.take((writer) => {
    writeMessage(writer, messages.bind, () => {
      // The unnamed portal.
      writer.byte(0)
      writer.text(name)
      writer.byte(0)
      // One format for all parameters: binary.
      writer.int16(1)
      writer.int16(1)
      writer.int16(parameters)
      write(writer)
      // None for the results: text.
      writer.int16(0)
    })
    writer.bytes(describeAndExecute)
  })
}

function writeMessage(writer: BinaryWriter, kind: number, write: () => void): void {
  writer.byte(kind)
  const start = writer.open()
  write()
  writer.close(start, lengthBytes)
}

/** Writes an array as a parameter. */
export function writeArray<Item, Value>(
  parameters: BinaryWriter,
  kind: Kind<Value>,
  ...[items, valueOf]: [items: readonly Item[], valueOf: (item: Item) => Value | null | undefined]
): void {
  const start = parameters.open()
  parameters.array(kind, items, valueOf)
  parameters.close(start)
}

/** Sends a message and gives the rows that answer it; errors come as the driver throws them. */
export function call(client: Client, message: Buffer): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    const config = { text: '', rowMode: 'array', types: plainTypes }
    // The driver gives no result where it gives an error.
    const query = new Query<unknown[]>(config, (error, result) =>
      error ? reject(error) : resolve(result.rows),
    )
    // As the driver does: whoever has lost the connection hears of it at its end.
    query.submit = ({ stream }) => void (stream.writable && stream.write(message))
    client.query(query)
  })
}
