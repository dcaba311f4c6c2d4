// Installs what the benchmarks compare Rampart with, when it is needed first.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Report } from './report.ts'

/** The folder of the peers, which have a lockfile of their own. */
export const peersFolder = join(import.meta.dirname, 'peers')

/** Resolves modules as the peers do. */
export const requirePeer = createRequire(join(peersFolder, 'package.json'))

/** Installs the peers of the lockfile, when they are not there. */
export async function installPeers(report: Report): Promise<void> {
  if (existsSync(join(peersFolder, 'node_modules'))) return
  report.note('Installs the peers of the benchmarks, 250 MB, into bench/peers.')
  // Without their scripts, of which one reports the installation to somebody.
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  await promisify(execFile)('npm', options, { cwd: peersFolder })
}

/** The installed version of a peer. */
export function versionOf(name: string): string {
  // Not every package lets its own description be imported.
  const text = readFileSync(join(peersFolder, 'node_modules', name, 'package.json'), 'utf8')
  return String(JSON.parse(text).version)
}
