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
  const { storeUrl } = settings
  if (storeUrl === undefined) return { close: async () => undefined }
  const { registerProcess } = await import('../postgres/processes/index.ts')
  const roles = ['write', 'project', 'serve']
  const id = runtime.uuid()
  return registerProcess({ id, url: storeUrl, role: 'rampart_writer', roles, apps, runtime, reportFault })
}
