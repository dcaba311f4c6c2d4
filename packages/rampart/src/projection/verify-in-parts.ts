// Verifies a split projection: its parts one after the other, told of together.
import type { Projection } from '../core/index.ts'
import { partsOf } from './parts.ts'
import type { ComparedReadModel, VerifiedReadModel } from './verify-read-model.ts'

const sampleMax = 5

/** Verifies each part; the first that cannot be compared speaks for all. */
export async function verifyInParts(
  projection: Projection,
  verify: (part: Projection) => Promise<VerifiedReadModel>,
): Promise<VerifiedReadModel> {
  const compared: ComparedReadModel[] = []
  for (const part of partsOf(projection)) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, to hold little
    const result = await verify(part)
    if (result.status !== 'compared') return result
    compared.push(result)
  }
  const sum = (of: (part: ComparedReadModel) => number): number =>
    compared.reduce((total, part) => total + of(part), 0)
  return {
    status: 'compared',
    position: Math.min(...compared.map(({ position }) => position)),
    documents: sum(({ documents }) => documents),
    differing: sum(({ differing }) => differing),
    sample: compared.flatMap(({ sample }) => sample).slice(0, sampleMax),
    leftOut: sum(({ leftOut }) => leftOut),
    strange: compared.flatMap(({ strange }) => strange),
  }
}
