// Seals within a batch: they are kept if they follow the newest one.
import type { Failure } from '../core/group-commit/index.ts'
import { isRampartError } from '../core/index.ts'
import { requireFollowing, type Seal } from '../core/seals/index.ts'
import { headOf, type LogHead } from './log-head.ts'
import { sealRow } from './seal-rows.ts'
import type { WriterState } from './writer-state.ts'

/** Keeps seals of a log, or says why not; it has changed nothing then. */
export function keepSeals(
  { statements, seals: reader }: WriterState,
  log: LogHead,
  { key, seals }: { readonly key: string; readonly seals: readonly Seal[] },
): null | Failure {
  try {
    requireFollowing(key, { last: reader.last(log.number), head: headOf(log).position }, seals)
  } catch (fault) {
    if (!isRampartError(fault)) throw fault
    return { failed: { code: fault.code, message: fault.message, effect: 'definite' } }
  }
  for (const seal of seals) statements.insertSeal.run(...sealRow(log.number, seal))
  return null
}
