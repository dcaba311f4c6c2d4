// Loads an app from a file or a folder, by its default export.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isRampartError, RampartError } from '../core/index.ts'
import type { App } from './app.ts'
import type { Mount } from './start-host.ts'

/**
 * Loads the app that a path names, which is tried from each of the given folders: a module, or a folder whose
 * package.json names one, or that has `src/app.ts` or `app.ts`. Throws `APP_INVALID` when there is none.
 */
export async function loadApp(path: string, folders: readonly string[]): Promise<App> {
  return loadModule(findModule(path, folders))
}

/** Loads an app as `loadApp` does, to be served below a prefix. Throws `APP_INVALID` when there is none. */
export async function loadMount(
  { prefix, path }: { readonly prefix: string; readonly path: string },
  folders: readonly string[],
): Promise<Mount> {
  const module = findModule(path, folders)
  return { prefix, module, app: await loadModule(module) }
}

function findModule(path: string, folders: readonly string[]): string {
  const file = folders.map((folder) => moduleAt(resolve(folder, path))).find((found) => found !== undefined)
  if (file === undefined) {
    const tried = [...new Set(folders.map((folder) => resolve(folder, path)))].join(' and ')
    const message = `There is no app at ${tried}. Name a module, or a folder with package.json or src/app.ts.`
    throw new RampartError('APP_INVALID', message)
  }
  return file
}

async function loadModule(file: string): Promise<App> {
  const module: unknown = await importModule(file)
  const app: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined
  if (isApp(app)) return app
  const hint = "export default app('name', { contexts: [...] })"
  const message = `${file} has no app as its default export. Write: ${hint}.`
  throw new RampartError('APP_INVALID', message)
}

async function importModule(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (fault) {
    // What a definition in it got wrong says so itself.
    if (isRampartError(fault)) throw fault
    const reason = fault instanceof Error ? fault.message : String(fault)
    const message = `The app ${file} could not be loaded: ${reason.replace(/\.$/, '')}. ${adviceFor(fault)}`
    throw new RampartError('APP_INVALID', message, { cause: fault })
  }
}

function adviceFor(fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? fault.code : ''
  if (fault instanceof SyntaxError && fault.message.includes('outside a module'))
    return 'Give its file the ending .mts or .mjs, or its package.json the member "type": "module".'
  if (code === 'ERR_MODULE_NOT_FOUND') return 'Install the package, or correct the path of the import.'
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return 'Node leaves types out and changes nothing else: use only syntax that can be erased.'
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return 'An app is a module in TypeScript or JavaScript.'
  return 'Mend the module: node --check or tsc shows where.'
}

function isApp(value: unknown): value is App {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('contexts' in value))
    return false
  return typeof value.name === 'string' && Array.isArray(value.contexts) && 'routes' in value
}

function moduleAt(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  if (!statSync(path).isDirectory()) return path
  const named = namedByPackage(join(path, 'package.json'))
  return [...(named === undefined ? [] : [named]), 'src/app.ts', 'app.ts', 'src/app.js', 'app.js']
    .map((file) => join(path, file))
    .find((file) => existsSync(file))
}

function namedByPackage(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  const manifest = parsed(file, readFileSync(file, 'utf8'))
  if (typeof manifest !== 'object' || manifest === null) return undefined
  const exports: unknown = 'exports' in manifest ? manifest.exports : undefined
  const root: unknown = typeof exports === 'object' && exports !== null ? Reflect.get(exports, '.') : exports
  const main: unknown = 'main' in manifest ? manifest.main : undefined
  return [root, main].find((candidate) => typeof candidate === 'string')
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RampartError('APP_INVALID', `${file} is not JSON. Mend it, or name the module itself.`, {
      cause,
    })
  }
}
