// Runs the command line in tests: as people do, or within the process of the test, which is quicker.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { vi } from 'vitest'
import { complain } from '../output.ts'
import { createProgram } from '../program.ts'

/** The command line as a program. */
export const bin = join(import.meta.dirname, '../../../bin/rampart.js')

/** How a command ended, and what it said. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line in a process of its own, as people do. */
export async function runProcess(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], (fault, stdout, stderr) => {
      resolve({ code: Number(fault?.code ?? 0), stdout, stderr })
    })
  })
}

/** Runs it in this process, which is quicker. */
export async function rampart(...args: readonly string[]): Promise<Ran> {
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const errors = vi.spyOn(console, 'error').mockReturnValue()
  const told = (of: { readonly mock: { readonly calls: readonly (readonly unknown[])[] } }): string =>
    of.mock.calls.map(([text]) => String(text)).join('')
  try {
    const code = await createProgram()
      .parseAsync(args, { from: 'user' })
      .then(() => 0, complain)
    return {
      code: Number(process.exitCode ?? code),
      stdout: told(stdout),
      stderr: told(stderr) + told(errors),
    }
  } finally {
    process.exitCode = undefined
    vi.restoreAllMocks()
  }
}
