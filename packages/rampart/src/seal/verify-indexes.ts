// Verifies what a store finds its events by: the index of streams and the index of tags.
import type { StoreInspection } from '../core/seals/index.ts'
import type { Report } from './finding.ts'
import { verifyTags } from './verify-tags.ts'
import { verifyVersions } from './verify-versions.ts'

/** Looks through both indexes of a store. */
export async function verifyIndexes(inspection: StoreInspection, report: Report): Promise<void> {
  try {
    await verifyVersions(inspection, report)
  } finally {
    // Also when the other index cannot be read.
    await verifyTags(inspection, report)
  }
}
