// What the command line says, where, and how it ends: every command prints through here.
import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { isRampartError } from '../core/index.ts'

/**
 * How a command line ends: all is well; something was found, or was refused; or it was called in a way that
 * cannot be carried out.
 */
export const exitCodes = { fine: 0, found: 1, usage: 2 } as const

/** What a text may look like on a terminal. */
export type Ink = Exclude<Parameters<typeof styleText>[0], readonly unknown[]>

/** Colours a text for stdout, which stays plain where nobody sees colours or wants them (`NO_COLOR`). */
export function ink(style: Ink, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** Prints a line of the result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints a result for programs. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Rows as lines in which each column begins at one place; empty cells at the end are left out. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .filter((_, column) => (widths[column] ?? 0) > 0)
      .join('  ')
      .trimEnd(),
  )
}

/** Bytes as `1.5 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** How long ago something was: `5 s ago`, `3 h ago`. */
export function since(thenMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - thenMs) / 1000)
  if (seconds < 0) return `${-seconds} s ahead of this clock`
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h ago`
    : `${Math.round(seconds / 86_400)} days ago`
}

/** Notes that the command has found something, which the process will end with. */
export function found(): void {
  process.exitCode = exitCodes.found
}

/** What is wrong with how a command was called: what it was given, or the app that was named. */
const usageCodes = ['INPUT_INVALID', 'SETTING_INVALID', 'APP_INVALID'] as const

/** Says why a command failed, and gives the code to end with. */
export function complain(fault: unknown): number {
  // Commander has said what it has to say.
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  const message = fault instanceof Error ? fault.message : String(fault)
  process.stderr.write(
    `${isRampartError(fault) ? message : `Something failed that should not: ${message}`}\n`,
  )
  if (process.env['RAMPART_STACK'] === '1') console.error(fault)
  const isUsage = usageCodes.some((code) => isRampartError(fault, code))
  return isUsage ? exitCodes.usage : exitCodes.found
}
