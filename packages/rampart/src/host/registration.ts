// Says in the database of a host that its process runs, so that operators see it and find its address.
import type { Runtime } from '../core/index.ts'
import type { ProcessRegister } from '../postgres/processes/index.ts'
import type { HostSettings } from './settings.ts'

/** Which process says that it runs, and where. */
export interface Registration {
  readonly settings: HostSettings
  readonly apps: readonly { readonly app: string; readonly url: string }[]
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown, what: string) => void
}

/** Registers the process where it has a database; its end takes it out again. */
export async function register(registration: Registration): Promise<ProcessRegister> {
  const { settings, apps, runtime, reportFault } = registration
  const least = leastOf(settings)
  if (least === undefined) return { close: async () => undefined }
  const { registerProcess } = await import('../postgres/processes/index.ts')
  const id = runtime.uuid()
  // Roles that have nothing to run have no database either.
  const roles = Object.keys(settings.storeUrls ?? {})
  return registerProcess({ id, ...least, roles, apps, runtime, reportFault })
}

/** The way to the database of the part of this process that may do least there. */
function leastOf({ storeUrls = {} }: HostSettings) {
  const { write, project, serve } = storeUrls
  if (serve !== undefined) return { url: serve, role: 'rampart_reader' } as const
  if (project !== undefined) return { url: project, role: 'rampart_projector' } as const
  return write === undefined ? undefined : ({ url: write, role: 'rampart_writer' } as const)
}
