// Streams the rows of a table out of a connection and into one, as PostgreSQL's COPY writes them: text, a
// line per row. The driver knows the messages of COPY, and leaves them to whoever submits a query.
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client, Connection, Submittable } from 'pg'

/** What the driver's connection has beside what its types tell. */
interface CopyConnection {
  readonly stream: Duplex
  readonly query: (text: string) => void
  readonly sendCopyFromChunk: (chunk: Uint8Array) => void
  readonly endCopyFrom: () => void
  readonly sendCopyFail: (message: string) => void
}

/** Rows as they come, and how many. */
export interface CopiedRows {
  readonly bytes: Buffer
  readonly rows: number
}

const bufferedBytesMax = 1024 * 1024

/** What has come and was not taken yet. */
interface Outflow {
  waiting: Buffer[]
  bytes: number
  isOver: boolean
  failure: Error | undefined
  connection: CopyConnection | undefined
  wake: PromiseWithResolvers<void>
}

/** Gives the rows of a statement `COPY … TO STDOUT`; holds a megabyte of them at most. */
export async function* copyOut(client: Client, sql: string): AsyncGenerator<CopiedRows> {
  const flow = openOutflow(client, sql)
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- it waits for what comes next
    if (flow.waiting.length === 0 && !flow.isOver) await flow.wake.promise
    if (flow.failure !== undefined) throw flow.failure
    const { waiting } = flow
    if (waiting.length === 0 && flow.isOver) return
    Object.assign(flow, { waiting: [], bytes: 0, wake: Promise.withResolvers<void>() })
    // A row is a message.
    yield { bytes: Buffer.concat(waiting), rows: waiting.length }
    flow.connection?.stream.resume()
  }
}

function openOutflow(client: Client, sql: string): Outflow {
  const flow: Outflow = {
    waiting: [],
    bytes: 0,
    isOver: false,
    failure: undefined,
    connection: undefined,
    wake: Promise.withResolvers(),
  }
  const end = (failure?: Error): void => {
    flow.isOver = true
    flow.failure = failure
    flow.wake.resolve()
  }
  submit(client, {
    submit: (connection) => {
      flow.connection = connection
      connection.query(sql)
    },
    handleCopyData({ chunk }) {
      // The driver writes over its buffer.
      flow.waiting.push(Buffer.from(chunk))
      flow.bytes += chunk.length
      if (flow.bytes >= bufferedBytesMax) flow.connection?.stream.pause()
      flow.wake.resolve()
    },
    handleError: end,
    handleReadyForQuery: () => end(),
  })
  return flow
}

/** Feeds a statement `COPY … FROM STDIN`; nothing is copied when the source fails. */
export async function copyIn(client: Client, sql: string, source: AsyncIterable<Buffer>): Promise<void> {
  const done = Promise.withResolvers<void>()
  let isOver = false
  let failure: unknown
  const feed = async (connection: CopyConnection): Promise<void> => {
    try {
      for await (const chunk of source) {
        if (isOver) return
        connection.sendCopyFromChunk(chunk)
        // oxlint-disable-next-line no-await-in-loop -- the server sets the pace
        if (connection.stream.writableNeedDrain) await once(connection.stream, 'drain')
      }
      connection.endCopyFrom()
    } catch (error) {
      failure = error
      connection.sendCopyFail('The source failed.')
    }
  }
  submit(client, {
    submit: (connection) => connection.query(sql),
    handleCopyInResponse: (connection) => void feed(connection),
    handleError: (error) => {
      isOver = true
      done.reject(failure ?? error)
    },
    handleReadyForQuery: () => done.resolve(),
  })
  await done.promise
}

interface CopyQuery {
  readonly submit: (connection: CopyConnection) => void
  readonly handleCopyData?: (message: { readonly chunk: Buffer }) => void
  readonly handleCopyInResponse?: (connection: CopyConnection) => void
  readonly handleError: (error: Error) => void
  readonly handleReadyForQuery: () => void
}

function submit(client: Client, query: CopyQuery): void {
  const submittable: Submittable &
    Omit<CopyQuery, 'submit'> & { readonly handleCommandComplete: () => void } = {
    ...query,
    // The types of the driver leave out what concerns COPY.
    submit: (connection) => query.submit(connection as Connection & CopyConnection),
    handleCommandComplete: () => undefined,
  }
  client.query(submittable)
}
