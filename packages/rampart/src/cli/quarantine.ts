// `rampart quarantine`: what stands still on a running server, and what to do about it.
import type { Command } from 'commander'
import { callEach, callFirst } from './admin-client.ts'
import type { Answer } from './answer.ts'
import { findServers, withServer, type ServerOptions } from './find-servers.ts'
import { found, print, printJson } from './output.ts'

/** Adds the command to a program. */
export function addQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('Keys of read models that stand still, because an event of theirs could not be folded.')
  withServer(quarantine.command('list').description('Lists them; ends with 1 when there are any.')).action(
    list,
  )
  withServer(
    quarantine.command('show <projection> <key>').description('Shows one with the events that wait.'),
  ).action(show)
  for (const [action, description] of actions) {
    withServer(quarantine.command(`${action} <projection> <key>`).description(description)).action(
      (projection: string, key: string, options: ServerOptions) =>
        treat(action, { projection, key }, options),
    )
  }
}

const actions = [
  ['dry-run', 'Tries the code of the server on the events that wait, without effect.'],
  ['replay', 'Applies the events that wait, and heals the key when all of them can be.'],
  ['skip', 'Leaves the failing event out, which is recorded, and replays the rest.'],
] as const

async function list(options: ServerOptions): Promise<void> {
  const answers = await callEach(await findServers(options), 'quarantine')
  const entries = answers.flatMap((answer) => answer.list('items'))
  // Several processes may tell of the same key.
  const items = [...new Map(entries.map((entry) => [lineOf(entry), entry])).values()]
  if (items.length === 0) print('Nothing is quarantined.')
  for (const entry of items) print(lineOf(entry))
  if (items.length > 0) found()
}

function lineOf(entry: Answer): string {
  const queued = entry.number('queued')
  const waiting = `${queued} ${queued === 1 ? 'event waits' : 'events wait'} since ${entry.text('since')}`
  return [entry.text('projection'), entry.text('key'), waiting, entry.text('error')].join('  ')
}

interface NamedKey {
  readonly projection: string
  readonly key: string
}

function pathOf({ projection, key }: NamedKey): string {
  return `quarantine/${encodeURIComponent(projection)}/${encodeURIComponent(key)}`
}

async function show(projection: string, key: string, options: ServerOptions): Promise<void> {
  printJson((await callFirst(await findServers(options), pathOf({ projection, key }))).value)
}

async function treat(action: string, named: NamedKey, options: ServerOptions): Promise<void> {
  const result = await callFirst(await findServers(options), pathOf(named), { action })
  const what = `${named.projection} ${named.key}`
  const applied = result.number('applied')
  const events = `${applied} ${applied === 1 ? 'event' : 'events'}`
  const status = result.text('status')
  if (status === 'failed') {
    print(`${what} stays quarantined: after ${events}, ${result.text('error')}`)
    found()
    return
  }
  const healed = status === 'healed' ? 'is healed' : 'would be healed'
  print(`${what} ${healed}: ${events} lead to ${JSON.stringify(result.value['document'])}`)
}
