// Gives the rows of a statement as they come, so that whoever folds them works while the database does.
import { Query, type Client } from 'pg'
import { plainTypes, type Row } from './rows.ts'

/** A statement with the name under which it is prepared, and its values. */
interface Asked {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** Runs a prepared statement and hands over its rows, which may be some of them when it fails. */
export function runForRows(
  connection: Client,
  { name, text, values }: Asked,
  take: (row: Row) => void,
): Promise<void> {
  const config = { name, text, values: [...values], rowMode: 'array', types: plainTypes }
  return new Promise((resolve, reject) => {
    const query = new Query<unknown[]>(config)
    query.on('row', take)
    query.on('error', reject)
    query.on('end', () => resolve())
    connection.query(query)
  })
}

/** What `work` hands over while it runs. It goes on to its end when nobody wants more. */
export async function* asTheyCome<Value>(
  work: (take: (value: Value) => void) => Promise<void>,
): AsyncGenerator<Value> {
  const waiting: Value[] = []
  const state = { isRunning: true, bell: Promise.withResolvers<void>() }
  const ended = work((value) => {
    waiting.push(value)
    state.bell.resolve()
  }).finally(() => {
    state.isRunning = false
    state.bell.resolve()
  })
  // Its failure is thrown below, if somebody is left to hear of it.
  ended.catch(() => undefined)
  while (state.isRunning || waiting.length > 0) {
    state.bell = Promise.withResolvers()
    // oxlint-disable-next-line no-await-in-loop -- what came while the last one was handled needs no bell
    if (waiting.length === 0) await state.bell.promise
    yield* waiting.splice(0)
  }
  await ended
}
