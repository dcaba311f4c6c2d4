// What an append does with documents that commit with its events: checks that they are those of this instant,
// and writes them.
import { position } from '../core/codec/index.ts'
import type { AppendRequest, DocumentWrite } from '../core/ports/index.ts'
import type { DocumentHead, OpenCollection } from './document-collections.ts'
import type { LogHead } from './log-head.ts'
import { writeRows } from './read-store-rows.ts'
import { rowOf } from './read-store-tables.ts'
import { numberAt } from './rows.ts'
import type { WriterState } from './writer-state.ts'

/** Why the documents of an append cannot be meant, in words; `undefined` when they can. */
export function documentFault(
  { collections: { open } }: WriterState,
  log: LogHead,
  { writes, documents }: AppendRequest,
): string | undefined {
  if (documents === undefined) {
    const silent = [...open.values()].find((one) => one.isKept && one.log === log.number)
    if (silent === undefined || writes.every(({ events }) => events.length === 0)) return undefined
    const { name } = silent.shape
    return (
      `The documents of ${name} commit with events, and an append of events said nothing about documents. ` +
      'Send a command instead.'
    )
  }
  const foreign = documents.find(({ collection }) => open.get(collection)?.log !== log.number)
  if (foreign === undefined) return undefined
  return `The log has no collection ${foreign.collection}. Open it first.`
}

/** The first document that is not the one any more that it was folded on. */
export function findOutdated(state: WriterState, writes: readonly DocumentWrite[]): number | undefined {
  const outdated = writes.findIndex((write) => {
    const { position, ticket } = headOfDocument(state, write)
    return write.buildsOn === undefined ? position !== write.expectedPosition : ticket !== write.buildsOn
  })
  return outdated === -1 ? undefined : outdated
}

/** Writes the documents of an append whose first event has the position after `before`. */
export function keepDocuments(
  state: WriterState,
  writes: readonly DocumentWrite[],
  { before, ticket }: { readonly before: number; readonly ticket: string | undefined },
): void {
  for (const write of writes) {
    const head = headOfDocument(state, write)
    if (write.event !== null) head.position = before + write.event + 1
    head.ticket = ticket
    const { columns, rows } = openOf(state, write)
    writeRows(rows, rowOf(columns, { ...write, position: position(head.position) }))
  }
}

function headOfDocument(state: WriterState, write: DocumentWrite): DocumentHead {
  const { heads } = state.collections
  const name = `${write.collection}\0${write.key}`
  const known = heads.get(name)
  if (known !== undefined) return known
  const row = openOf(state, write).findPosition.get(write.key)
  const head = { position: numberAt(row ?? [], 0), ticket: undefined }
  heads.set(name, head)
  return head
}

function openOf({ collections }: WriterState, { collection }: DocumentWrite): OpenCollection {
  const open = collections.open.get(collection)
  if (open !== undefined) return open
  throw new Error(`An append has documents of the collection ${collection}, which is not open.`)
}
