// What the machine must have for the tests of faults: a disk of their own, and a tracer that makes system
// calls fail. Where it is missing, their names say so.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether every point is taken where many are the same in kind: minutes in place of seconds. */
export const everyPoint = process.env['FAULTS'] === 'all'

/** Something that a test needs of the machine. */
export interface Need {
  readonly isMet: boolean
  /** Stands at the end of the name of a test that needs it. */
  readonly note: string
}

/** A disk of a size that the test chooses. */
export const ownDisk = needOf('a mount as root', () => {
  const disk = mountDisk(1)
  disk.remove()
})

/** System calls that fail when told. */
export const tracer = needOf('strace', () => {
  execFileSync('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=fsync', 'true'])
})

/** A network that the test alone uses. */
export const ownNetwork = needOf('a network namespace as root', () => {
  execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'pipe' })
})

function needOf(what: string, attempt: () => void): Need {
  try {
    attempt()
    return { isMet: true, note: '' }
  } catch {
    // Whatever is missing, the test cannot run here.
    return { isMet: false, note: ` (not run here: it needs ${what})` }
  }
}

/** A disk in memory, mounted for one test. */
export interface Disk {
  readonly path: string
  readonly resize: (mebibytes: number) => void
  /** Unmounts it, also while somebody has files open there. */
  readonly remove: () => void
}

/** Mounts a disk of a size. */
export function mountDisk(mebibytes: number): Disk {
  const path = temporaryFolder()
  const mount = (options: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'rampart-faults', path], { stdio: 'pipe' })
  }
  try {
    mount(`size=${mebibytes}m`)
  } catch (error) {
    rmSync(path, { recursive: true })
    throw error
  }
  return {
    path,
    resize: (size) => mount(`remount,size=${size}m`),
    remove() {
      execFileSync('umount', ['--lazy', path])
      rmSync(path, { recursive: true })
    },
  }
}

/** A folder for the data of one test. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'rampart-faults-'))
}

/** Which system calls of a running process fail, on which file, and how (see strace's `inject`). */
export interface Injection {
  readonly pid: number
  readonly file: string
  readonly calls: string
  readonly fault: string
}

/** Makes system calls of a process fail until it is disposed of. */
export async function inject({ pid, file, calls, fault }: Injection): Promise<AsyncDisposable> {
  const filter = ['-P', file, '-e', `trace=${calls}`, '-e', `inject=${calls}:${fault}`]
  const options = ['-f', '-o', '/dev/null', ...filter, '-p', String(pid)]
  const strace = spawn('strace', options, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(strace, 'exit')
  // It says so once it has the process with all of its threads.
  await Promise.race([once(strace.stderr, 'data'), exited])
  if (strace.exitCode !== null) throw new Error(`strace could not attach to ${pid}.`)
  return {
    async [Symbol.asyncDispose]() {
      strace.kill('SIGINT')
      await exited
    },
  }
}
