// A service for the tests of the worker mechanism: echoes, fails and dies on demand.
import { RampartError, type ErrorCode } from '../../core/index.ts'
import type { Service } from '../worker-main.ts'

/** What the probe does when called. */
interface ProbeRequest {
  readonly echo?: unknown
  readonly fail?: ErrorCode
  readonly die?: boolean
}

/** Opens the probe, or fails as told. */
export function serve(init: { failAs?: ErrorCode }): Service<string, ProbeRequest, unknown> {
  if (init.failAs !== undefined) throw new RampartError(init.failAs, 'The probe was told to fail.')
  return {
    ready: 'probe open',
    handle: ({ echo, fail, die }) => {
      if (die === true) process.exit(3)
      if (fail !== undefined) throw new RampartError(fail, 'Told to fail.', { details: { planted: true } })
      return echo
    },
    close: () => undefined,
  }
}
