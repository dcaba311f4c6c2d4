// Prints what a server does as it does it: one line per command, from its events to the read models.
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import type { HostOptions } from '../host/index.ts'
import { ink, print } from './output.ts'

/** What became of a command, as a host tells it. */
export type WatchedCommand = Parameters<NonNullable<HostOptions['onCommand']>>[0]

/** Lines of one second; what comes beyond them is counted. */
const linesMax = 50
const eventsShownMax = 3

/**
 * Whether commands are printed: on a terminal unless `RAMPART_LOG` says `faults`, elsewhere when it says
 * `commands`. Throws `SETTING_INVALID`.
 */
export function printsCommands(setting: string | undefined, isTerminal: boolean): boolean {
  if (setting === undefined || setting === '') return isTerminal
  if (setting === 'commands' || setting === 'faults') return setting === 'commands'
  const rule = 'commands, faults, or nothing for commands on a terminal and faults elsewhere'
  throw new RampartError('SETTING_INVALID', `RAMPART_LOG is ${JSON.stringify(setting)}. Set it to ${rule}.`)
}

/** Makes what prints commands, at most 50 lines a second. */
export function createCommandPrinter(
  write: (line: string) => void = print,
  runtime: Runtime = systemRuntime,
): (command: WatchedCommand) => void {
  let lines = 0
  const count = (): void => {
    if (lines > linesMax) write(ink('dim', `… and ${lines - linesMax} more commands`))
    lines = 0
  }
  return (command) => {
    if (lines === 0) runtime.setTimer(1000, count, { keepAlive: false })
    lines++
    if (lines <= linesMax) write(lineOf(command))
  }
}

/** `PlaceOrder order-536365 → OrderPlaced @812 → orders, customers 3.1 ms` */
function lineOf({
  type,
  stream,
  events,
  position,
  readModels,
  behind,
  code,
  elapsedMs,
}: WatchedCommand): string {
  const parts = [`${ink('cyan', type)} ${stream}`]
  if (code !== null) parts.push(ink('red', code))
  else if (position === null) parts.push(ink('dim', 'nothing to record'))
  if (position !== null) parts.push(`${ink('green', eventsText(events))} @${position}`)
  if (readModels.length > 0) parts.push(readModels.join(', '))
  if (behind.length > 0) parts.push(ink('yellow', `not yet in ${behind.join(', ')}`))
  return `${parts.join(' → ')} ${ink('dim', `${elapsedMs.toFixed(1)} ms`)}`
}

function eventsText(events: readonly string[]): string {
  const more = events.length - eventsShownMax
  return `${events.slice(0, eventsShownMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
