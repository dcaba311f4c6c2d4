// What is checked of a command before any state is loaded: its type, its stream id and its data.
import {
  jsonFaults,
  quoted,
  streamId,
  validate,
  type DeciderDefinition,
  type InputFault,
  type StreamId,
  type UntypedCommand,
} from '../core/codec/index.ts'
import { RampartError, type Context, type Json, type Runtime } from '../core/index.ts'
import type { SentCommand } from './command-service.ts'

/** A command type of a context with the decider it belongs to. */
export interface KnownCommand {
  readonly definition: DeciderDefinition
  readonly command: UntypedCommand
}

/** What a command addresses and carries once it is checked. */
export interface CheckedInput {
  readonly streamId: StreamId
  readonly data: Json
}

/** All command types of a context. */
export function commandsOf(context: Context): ReadonlyMap<string, KnownCommand> {
  return new Map(
    context.deciders.flatMap(({ definition }) =>
      Object.entries(definition.commands).map(([type, command]) => [type, { definition, command }] as const),
    ),
  )
}

/** The definition of a command type. Throws `COMMAND_TYPE_UNKNOWN`, naming the types there are. */
export function requireCommand(known: ReadonlyMap<string, KnownCommand>, type: string): KnownCommand {
  const found = known.get(type)
  if (found !== undefined) return found
  const message = `There is no command ${quoted(type)}. There are: ${[...known.keys()].join(', ')}.`
  throw new RampartError('COMMAND_TYPE_UNKNOWN', message)
}

/** Checks stream id and data of a command. Throws `INPUT_INVALID` with every fault in `details.faults`. */
export function checkInput(sent: SentCommand, known: KnownCommand, runtime: Runtime): CheckedInput {
  const pointer = sent.dataPointer ?? '/data'
  const faults: InputFault[] = [...jsonFaults(sent.data, pointer)]
  const id = idOf(sent, known, runtime)
  if (typeof id !== 'string') faults.unshift(id)
  const checked = faults.length > 0 ? { faults } : validate(known.command.schema, sent.data, pointer)
  if ('faults' in checked) throw invalidInput(sent.type, checked.faults)
  // A fault of the id would have left through the line above.
  return { streamId: id as StreamId, data: checked.value }
}

function idOf(
  sent: SentCommand,
  { definition, command }: KnownCommand,
  runtime: Runtime,
): StreamId | InputFault {
  const rule = definition.of.streamId
  if (sent.streamId === undefined) {
    if (command.creates === true && rule.make !== undefined) return streamId(rule.make(runtime))
    return { pointer: '/streamId', detail: `${sent.type} needs a stream id: ${rule.describe}` }
  }
  const parsed = rule.parse(sent.streamId)
  if (parsed === undefined)
    return { pointer: '/streamId', detail: `a stream id of ${definition.of.name} is ${rule.describe}` }
  return streamId(parsed)
}

function invalidInput(type: string, faults: readonly InputFault[]): RampartError {
  const [first] = faults
  const where = first === undefined ? '' : ` ${first.pointer || 'The body'}: ${first.detail.slice(0, 500)}.`
  return new RampartError('INPUT_INVALID', `${type} is not valid.${where}`, { details: { faults } })
}
