// Verifies that the index of tags says of each event what the event says of itself: conditions of appends and
// queries over tags are answered from it.
import type { StoreInspection } from '../core/seals/index.ts'
import type { Report } from './finding.ts'

/** Looks for tags on which events and the index do not agree. */
export async function verifyTags(inspection: StoreInspection, report: Report): Promise<void> {
  for await (const page of inspection.misplacedTags()) {
    for (const { log, position, tag, isIndexed } of page) {
      const what = isIndexed
        ? `the index of tags has an entry ${JSON.stringify(tag)} here that the event does not have`
        : `the index of tags lacks its tag ${JSON.stringify(tag)}`
      report({ code: 'TAG_WRONG', log, position, what })
    }
  }
}
