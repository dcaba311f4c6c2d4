// Rows, shared by the adapters of databases: how commands, seals, states and documents stand in them.
export { columnsIn, columnsOf, documentOf, ownColumns, placeOf } from './document-row.ts'
export { requireSameColumns, searchableWords } from './document-row.ts'
export {
  contentTypeAt,
  contentTypeText,
  originAt,
  originText,
  tagsAt,
  tagsText,
  usualContentType,
} from './event-row.ts'
export { deadLetterOf, inboxColumns, inboxCommandOf } from './inbox-row.ts'
export { numberAt, numberOrNullAt, textAt, textOrNullAt } from './row.ts'
export { inspectedStateOf, sealOf } from './seal-row.ts'
export type { Columns } from './document-row.ts'
export type { Row } from './row.ts'
