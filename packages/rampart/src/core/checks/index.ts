// What adapters of the write store and those who keep states and documents share: checks of input before
// anything is queued, judgements, and bounds.
export { checkAppend, checkBurial, checkInboxCommand, checkLogKey } from './checked-request.ts'
export { foldPages, foldRecord, foldStream } from './fold-pages.ts'
export { pageEventsMax, streamPages } from './stream-pages.ts'
export { memberText, requireIndex, searchedWords, wordsOf } from './document-words.ts'
export { claimBytesMaxUnlessSaid, inboxCommandsMaxUnlessSaid } from '../ports/command-inbox.ts'
export {
  appendEventsMax,
  matchConditionsMax,
  nameLengthMax,
  pageBytesMax,
  payloadBytesMax,
  tagsMax,
} from '../ports/event-store.ts'
export { byBytes } from '../byte-order.ts'
export { hasSortedKeys } from '../json.ts'
export { weightOf } from '../json-weight.ts'
export { judgePlace } from '../ports/log.ts'
export { snapshotEveryUnlessSaid } from '../repository-kind.ts'
export { documentLengthMax } from '../ports/document-store.ts'
export { stateLengthMax } from '../ports/state-store.ts'
export type { CheckedAppend, CheckedBurial, CheckedInboxCommand } from './checked-request.ts'
export type { StreamStretch } from './stream-pages.ts'
