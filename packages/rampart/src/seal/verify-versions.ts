// Verifies that the versions of every stream are 1, 2, 3 … in the order of positions.
import type { StoreInspection } from '../core/seals/index.ts'
import { eventName, type Report } from './finding.ts'

/** Walks all streams of a store. */
export async function verifyVersions(inspection: StoreInspection, report: Report): Promise<void> {
  let stream = ''
  let version = 0
  let position = 0
  for await (const page of inspection.versions()) {
    for (const one of page) {
      const name = `${one.log} ${one.decider} ${one.streamId}`
      if (name !== stream) [stream, version, position] = [name, 0, 0]
      const place = { log: one.log, position: one.position, event: eventName(one) }
      if (!one.isOwn) {
        report({ code: 'ROW_MISPLACED', ...place, what: 'its stream belongs to another log' })
      }
      if (one.version !== version + 1) {
        const what = version === 0 ? 'its stream begins with it' : `it follows version ${version}`
        report({ code: 'VERSION_WRONG', ...place, what })
      } else if (one.position < position) {
        report({ code: 'VERSION_WRONG', ...place, what: 'it stands before the version before it' })
      }
      version = one.version
      position = one.position
    }
  }
}
