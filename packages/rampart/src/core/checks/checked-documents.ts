// Checks of the documents of an append (DS-9).
import { quoted } from '../identity.ts'
import { appendDocumentsMax, documentLengthMax, type DocumentWrite } from '../ports/document-store.ts'
import {
  checkCount,
  checkId,
  checkName,
  fixedBytes,
  invalid,
  jsonText,
  ticketLengthMax,
} from './checked-values.ts'

/** Checks the documents of an append that has so many events. Answers with what they weigh. */
export function checkDocuments(writes: readonly DocumentWrite[], events: number): number {
  if (writes.length > appendDocumentsMax) {
    throw invalid(`An append has ${writes.length} documents; ${appendDocumentsMax} are allowed.`)
  }
  if (writes.length > 0 && events === 0) throw invalid('An append without events has documents.')
  let bytes = 0
  const seen = new Set<string>()
  for (const write of writes) {
    const name = `${write.collection} ${write.key}`
    if (seen.has(name)) throw invalid(`The document ${quoted(write.key)} is written twice in one append.`)
    seen.add(name)
    bytes += fixedBytes + checkDocument(write, events)
  }
  return bytes
}

function checkDocument(write: DocumentWrite, events: number): number {
  const { key, expectedPosition, buildsOn, event, version, data } = write
  const bytes = checkId(key, 'key')
  checkCount('position', expectedPosition)
  if (buildsOn !== undefined) checkName('ticket', buildsOn, ticketLengthMax)
  if (version !== null) checkCount('version', version)
  if (event !== null && !(Number.isSafeInteger(event) && event >= 0 && event < events)) {
    throw invalid(`The document ${quoted(key)} was changed by event ${event}, and there are ${events}.`)
  }
  if (event === null && buildsOn === undefined && expectedPosition === 0) {
    throw invalid(`The document ${quoted(key)} is new, so an event must have changed it.`)
  }
  if (data === null) return bytes
  const text = jsonText(`document ${quoted(key)}`, data)
  if (text.length <= documentLengthMax) return bytes + text.length
  throw invalid(
    `The document ${quoted(key)} has ${text.length} characters as JSON; ${documentLengthMax} are allowed.`,
  )
}
