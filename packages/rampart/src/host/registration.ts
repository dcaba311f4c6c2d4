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
  const access = ownAccess(settings)
  if (access === undefined) return { elsewhere: async () => [], close: async () => undefined }
  const { registerProcess } = await import('../postgres/processes/index.ts')
  const id = runtime.uuid()
  // Roles that have nothing to run have no database either.
  const { write, project, serve } = settings.storeUrls ?? {}
  const roles = Object.entries({ write, project, serve }).flatMap(([role, url]) =>
    url === undefined ? [] : role,
  )
  return registerProcess({ id, ...access, roles, apps, runtime, reportFault })
}

/** How this process reaches the database to register there. */
function ownAccess({ storeUrls = {} }: HostSettings) {
  const { write, project, serve } = storeUrls
  // Who registers as one that projects must be able to: others send him what operators ask for.
  if (project !== undefined) return { url: project, role: 'rampart_projector' } as const
  if (serve !== undefined) return { url: serve, role: 'rampart_reader' } as const
  return write === undefined ? undefined : ({ url: write, role: 'rampart_writer' } as const)
}
