// Opens an app inside of a program: the same commands, reads and guarantees as on a server, without HTTP.
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import type { App } from './app.ts'
import { startEngine } from './engine.ts'
import { createRunningApp, type RunningApp } from './running-app.ts'
import { openStores } from './stores.ts'

/** Where an embedded app keeps its data, and what it runs on. */
export type OpenAppOptions = (
  | {
      /** Below it the app has a folder of its own. */
      readonly dataFolder: string
    }
  | { readonly memory: true }
) & {
  /** The machine's own unless given. */
  readonly runtime?: Runtime
  /** Where the disk is written: in the caller's thread, unless a server must stay responsive meanwhile. */
  readonly thread?: 'worker' | 'caller'
  /**
   * Hears of what goes wrong beside any call: a projection that stops, for one. Unless given, it is thrown
   * away.
   */
  readonly reportFault?: (fault: unknown, what: string) => void
}

/**
 * Opens an app in this process; its start hook is not run. Dispose of it to close its stores. Throws
 * `SETTING_INVALID` for a folder that cannot be used, `STORE_LOCKED` when another process has its files.
 */
export async function openApp<A extends App>(app: A, options: OpenAppOptions): Promise<RunningApp<A>> {
  const { runtime = systemRuntime, thread = 'caller', reportFault = () => {} } = options
  requireStorage(options)
  const stores = await openStores({ appName: app.name, storage: options, thread, runtime })
  const engine = await startEngine({ app, stores, runtime, reportFault })
  return createRunningApp<A>(engine, async () => {
    await engine.drain()
    await engine.close()
  })
}

// Types say the same, to those who use them.
function requireStorage(options: Readonly<Record<string, unknown>>): void {
  if ('memory' in options || typeof options['dataFolder'] === 'string') return
  const message = "An app needs a place for its data. Give it { dataFolder: 'data' }, or { memory: true }."
  throw new RampartError('SETTING_INVALID', message)
}
