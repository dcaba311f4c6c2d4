// Group commit: gathers what all callers want to write and hands it to the writer in batches, one at a time
// unless the writer works on several at once.
import { RampartError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import {
  isFailure,
  type BatchReply,
  type BatchWriter,
  type Failure,
  type Operation,
  type OperationResult,
  type ResultOf,
} from './batch.ts'

/** The bounds of a commit queue. */
export interface QueueLimits {
  /** How many operations may wait or be in flight. */
  readonly operationsMax: number
  /** How many bytes they may have together. */
  readonly bytesMax: number
}

/** What a commit queue works with. */
export interface CommitQueueOptions {
  readonly writer: BatchWriter
  readonly runtime: Runtime
  readonly limits: QueueLimits
  /** Stands in messages. */
  readonly file: string
  /** Called after the callers of a batch have their answers. */
  readonly onCommitted: (operations: readonly Operation[], results: BatchReply['results']) => void
}

/** The one way to the writer. */
export interface CommitQueue {
  /**
   * Rejects with `OVERLOADED` when the queue is full, `STORE_CLOSED`, `STORE_UNAVAILABLE`, or the fault of
   * the operation.
   */
  readonly submit: <Kind extends Operation['kind']>(
    operation: Extract<Operation, { kind: Kind }>,
    bytes: number,
  ) => Promise<ResultOf[Kind]>
  /** Why nothing can be written; `undefined` while it can. */
  readonly fault: () => string | undefined
  /** Takes nothing more, commits what waits, and resolves then. */
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly operation: Operation
  readonly bytes: number
  readonly resolve: (result: OperationResult) => void
  readonly reject: (error: Error) => void
}

const batchOperationsMax = 1000
const batchBytesMax = 16 * 1024 * 1024

/** Creates the queue. */
export function createCommitQueue(options: CommitQueueOptions): CommitQueue {
  const queue: Queue = {
    options,
    waiting: [],
    operations: 0,
    bytes: 0,
    batches: 0,
    isGathering: false,
    isClosed: false,
    fault: undefined,
    drained: Promise.withResolvers(),
  }
  return {
    submit: (operation, bytes) => {
      const refusal = refusalOf(queue, bytes)
      if (refusal !== undefined) return Promise.reject(refusal)
      return new Promise((resolve, reject) => {
        // The writer answers each kind of operation with the result of that kind.
        const settle = resolve as (result: OperationResult) => void
        queue.waiting.push({ operation, bytes, resolve: settle, reject })
        queue.operations++
        queue.bytes += bytes
        schedule(queue)
      })
    },
    fault: () => queue.fault,
    close: () => {
      queue.isClosed = true
      if (queue.operations === 0) queue.drained.resolve()
      return queue.drained.promise
    },
  }
}

interface Queue {
  readonly options: CommitQueueOptions
  waiting: Waiting[]
  /** Waiting and in flight. */
  operations: number
  bytes: number
  /** How many batches are in flight. */
  batches: number
  /** A batch is about to be gathered. */
  isGathering: boolean
  isClosed: boolean
  fault: string | undefined
  readonly drained: PromiseWithResolvers<void>
}

function refusalOf(queue: Queue, bytes: number): RampartError | undefined {
  const { limits, file } = queue.options
  if (queue.isClosed) return new RampartError('STORE_CLOSED', `The store ${file} is closed.`)
  if (queue.fault !== undefined) return new RampartError('STORE_UNAVAILABLE', queue.fault)
  if (queue.operations < limits.operationsMax && queue.bytes + bytes <= limits.bytesMax) return undefined
  // An empty queue takes whatever passed its checks, or nothing large could ever be written.
  if (queue.operations === 0) return undefined
  const message =
    `The store ${file} has ${queue.operations} writes of ${queue.bytes} bytes waiting, which is its bound. ` +
    'Try again in a moment.'
  return new RampartError('OVERLOADED', message)
}

// A turn of the event loop passes before a batch is gathered, so that all callers of this turn are in it.
function schedule(queue: Queue): void {
  if (queue.isGathering || !hasRoom(queue)) return
  queue.isGathering = true
  queue.options.runtime.soon(() => {
    queue.isGathering = false
    flush(queue)
  })
}

function hasRoom({ batches, options }: Queue): boolean {
  return batches < (options.writer.overlap?.batchesMax ?? 1)
}

function flush(queue: Queue): void {
  while (hasRoom(queue)) {
    const batch = takeBatch(queue)
    if (batch.length === 0) return
    send(queue, batch)
    // A writer that answers at once lets its callers have the next turn.
    if (queue.batches === 0) return
  }
}

function send(queue: Queue, batch: readonly Waiting[]): void {
  const { writer, runtime } = queue.options
  queue.batches++
  let reply: BatchReply | Promise<BatchReply>
  try {
    reply = writer.commit({ nowMs: runtime.nowMs(), operations: batch.map((one) => one.operation) })
  } catch (error) {
    return finish(queue, batch, lost(queue, batch, error))
  }
  if (!(reply instanceof Promise)) return finish(queue, batch, reply)
  reply.then(
    (settled) => goOn(queue, batch, settled),
    (error: unknown) => finish(queue, batch, lost(queue, batch, error)),
  )
}

function takeBatch(queue: Queue): readonly Waiting[] {
  let bytes = 0
  let end = 0
  for (const one of queue.waiting) {
    bytes += one.bytes
    if (end > 0 && (end === batchOperationsMax || bytes > batchBytesMax)) break
    end++
  }
  const { overlap } = queue.options.writer
  const first = queue.waiting.slice(0, end)
  if (overlap !== undefined && end > 0) end = overlap.take(first.map((one) => one.operation))
  queue.waiting = queue.waiting.slice(end)
  return first.slice(0, end)
}

// A writer that works elsewhere gets what waits before anyone is answered, and works on it meanwhile. One
// that gains nothing by more batches gets it together with what these callers bring next.
function goOn(queue: Queue, batch: readonly Waiting[], reply: BatchReply): void {
  const { overlap } = queue.options.writer
  const gathers = queue.waiting.length === 0 || overlap?.isWorthwhile() === false
  if (reply.fault !== null || gathers) return finish(queue, batch, reply)
  queue.batches--
  flush(queue)
  answer(queue, batch, reply)
  tell(queue, batch, reply)
}

function finish(queue: Queue, batch: readonly Waiting[], reply: BatchReply): void {
  answer(queue, batch, reply)
  if (reply.fault !== null) stop(queue, reply.fault)
  queue.batches--
  if (queue.waiting.length > 0) schedule(queue)
  tell(queue, batch, reply)
}

function answer(queue: Queue, batch: readonly Waiting[], { results }: BatchReply): void {
  for (let index = 0; index < batch.length; index++) settle(queue, batch[index], results[index])
}

function tell({ options }: Queue, batch: readonly Waiting[], { results }: BatchReply): void {
  options.onCommitted(
    batch.map((one) => one.operation),
    results,
  )
}

function settle(
  queue: Queue,
  waiting: Waiting | undefined,
  result: OperationResult | Failure | undefined,
): void {
  if (waiting === undefined || result === undefined) return
  queue.operations--
  queue.bytes -= waiting.bytes
  if (queue.isClosed && queue.operations === 0) queue.drained.resolve()
  if (isFailure(result)) waiting.reject(faultOf(result))
  else waiting.resolve(result)
}

function faultOf({ failed }: Failure): RampartError {
  return new RampartError(failed.code, failed.message, { effect: failed.effect })
}

// The writer is gone, with a batch in its hands.
function lost(queue: Queue, batch: readonly Waiting[], error: unknown): BatchReply {
  const reason = error instanceof Error ? error.message : String(error)
  const fault = `The writer of ${queue.options.file} is gone: ${reason}`
  const message = `It is not known whether this was stored. ${fault} Open the store again and retry.`
  const failure: Failure = { failed: { code: 'OUTCOME_UNKNOWN', message, effect: 'unknown' } }
  return { results: batch.map(() => failure), fault }
}

function stop(queue: Queue, fault: string): void {
  queue.fault ??= fault
  const { waiting } = queue
  queue.waiting = []
  const failure: Failure = {
    failed: { code: 'STORE_UNAVAILABLE', message: queue.fault, effect: 'definite' },
  }
  for (const one of waiting) settle(queue, one, failure)
}
