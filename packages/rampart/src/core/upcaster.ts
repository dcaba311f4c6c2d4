// Upcasters bring the data of an older recorded event to the shape that today's code expects, at read.
import { RampartError } from './errors.ts'
import type { Json } from './json.ts'

/** Steps by the version they start from: `{ 1: toVersion2, 2: toVersion3 }`. */
export type Upcasters = Readonly<Record<number, (recorded: Json) => Json>>

/** What an upcast needs: the recorded data with its version, the version wanted, and the steps. */
export interface Upcast {
  readonly type: string
  readonly data: Json
  readonly from: number
  readonly to: number
  readonly steps: Upcasters
}

/**
 * Applies one step after another. Throws `UPCAST_FAILED` when a step is missing or throws, and when the event
 * was recorded by newer code than this.
 */
export function upcast({ type, data, from, to, steps }: Upcast): Json {
  if (from > to) {
    const message = `A recorded ${type} has version ${from}, this code knows ${to}. Run the newer code.`
    throw new RampartError('UPCAST_FAILED', message)
  }
  let current = data
  for (let version = from; version < to; version++) {
    const step = steps[version]
    if (step === undefined) {
      const message = `No upcaster brings ${type} from version ${version} to the next. Add one.`
      throw new RampartError('UPCAST_FAILED', message)
    }
    current = runStep(step, current, `${type} from version ${version}`)
  }
  return current
}

function runStep(step: (recorded: Json) => Json, data: Json, what: string): Json {
  try {
    return step(data)
  } catch (cause) {
    throw new RampartError('UPCAST_FAILED', `The upcaster of ${what} threw. Mend it and read again.`, {
      cause,
    })
  }
}
