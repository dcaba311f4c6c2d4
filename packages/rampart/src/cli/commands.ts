// `rampart commands`: accepted commands that have no outcome yet, and those that were given up.
import { InvalidArgumentError, Option, type Command } from 'commander'
import { isoTime } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { InspectedCommand, WantedCommands } from '../core/inspection/index.ts'
import { inspectCommands } from '../sqlite/index.ts'
import { appFoldersIn } from './data-folder.ts'
import { placeOfData, withDriver, withPlace, type DataOptions, type DataPlace } from './data-place.ts'
import { columns, found, print, printJson, since } from './output.ts'

interface ListOptions extends DataOptions {
  readonly state?: InspectedCommand['state']
  readonly limit: number
  readonly json?: true
}

interface Listed extends InspectedCommand {
  readonly app: string
}

const states: readonly InspectedCommand['state'][] = ['received', 'running', 'failed']
const causeLengthMax = 120

/** Adds the command to a program. */
export function addCommands(program: Command): void {
  const commands = program.command('commands').description('Commands that were accepted for later.')
  withPlace(commands.command('list'))
    .description('Lists those without an outcome, and those given up; ends with 1 when some were given up.')
    .addOption(new Option('--state <state>', 'those of one state only').choices(states))
    .option('--limit <count>', 'how many of each app', countOf, 100)
    .option('--json', 'the same for programs, with whole causes')
    .action(list)
}

function countOf(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= 10_000) return count
  throw new InvalidArgumentError('It takes a whole number from 1 to 10000.')
}

async function list({ state, limit, json, ...place }: ListOptions): Promise<void> {
  const nowMs = systemRuntime.nowMs()
  const asked = { nowMs, limit, ...(state === undefined ? {} : { state }) }
  const listed = await commandsIn(placeOfData(place), asked)
  if (listed.some((one) => one.state === 'failed')) found()
  if (json) return printJson({ commands: listed.map(shownJson) })
  if (listed.length === 0)
    print(`No command ${state === undefined ? 'waits, and none was given up' : `is ${state}`}.`)
  for (const line of columns(listed.map((command) => cellsOf(command, nowMs)))) print(line)
}

async function commandsIn(place: DataPlace, asked: WantedCommands): Promise<readonly Listed[]> {
  if (place.kind === 'database') {
    const database = await withDriver(() => import('../postgres/inspection/index.ts'))
    return database.inspectDatabaseCommands(place.url, asked)
  }
  const folders = await appFoldersIn(place.data)
  return folders.flatMap(({ app, writeFile }) =>
    inspectCommands({ file: writeFile, ...asked }).map((command): Listed => ({ app, ...command })),
  )
}

function cellsOf(command: Listed, nowMs: number): readonly string[] {
  const { app, state, type, decider, streamId, commandId, attempts, atMs, nextAttemptAtMs, cause } = command
  return [
    app,
    state,
    `${type} ${decider}-${streamId}`,
    commandId,
    since(atMs, nowMs),
    attempts === 0 ? 'not tried yet' : `attempt ${attempts}`,
    nextAttemptAtMs === null ? '' : nextText(nextAttemptAtMs - nowMs),
    shortened(cause ?? ''),
  ]
}

function nextText(waitMs: number): string {
  return waitMs <= 0 ? 'next at once' : `next in ${Math.ceil(waitMs / 1000)} s`
}

function shortened(cause: string): string {
  const line = cause.replaceAll(/\s+/g, ' ')
  return line.length <= causeLengthMax ? line : `${line.slice(0, causeLengthMax).toWellFormed()}…`
}

function shownJson({ atMs, nextAttemptAtMs, ...command }: Listed): object {
  const nextAttemptAt = nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs)
  return { ...command, at: isoTime(atMs), nextAttemptAt }
}
