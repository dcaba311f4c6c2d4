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

/** Notes that the command has found something, which the process will end with. */
export function found(): void {
  process.exitCode = exitCodes.found
}

/** Says why a command failed, and gives the code to end with. */
export function complain(fault: unknown): number {
  // Commander has said what it has to say.
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  // What its user can mend is a sentence; all else keeps its stack.
  console.error(isRampartError(fault) ? fault.message : fault)
  return isRampartError(fault, 'INPUT_INVALID') ? exitCodes.usage : exitCodes.found
}
