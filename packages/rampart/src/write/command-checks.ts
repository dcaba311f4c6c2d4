// What is checked of a command before any state is loaded: its type, its stream id and its data.
import {
  jsonFaults,
  choices,
  quoted,
  streamId,
  validate,
  type CommandId,
  type DeciderDefinition,
  type DecisionDefinition,
  type InputFault,
  type StreamId,
  type UntypedCommand,
} from '../core/codec/index.ts'
import { anyStreamId, RampartError, type Context, type Json, type Runtime } from '../core/index.ts'
import type { SentCommand } from './command-service.ts'

/** A command type of a context: with the decider it belongs to, or a decision. */
export type KnownCommand =
  | { readonly definition: DeciderDefinition; readonly command: UntypedCommand }
  | { readonly decision: DecisionDefinition }

/** What a command addresses and carries once it is checked. */
export interface CheckedInput {
  readonly streamId: StreamId
  readonly data: Json
}

/** All command types of a context. */
export function commandsOf(context: Context): ReadonlyMap<string, KnownCommand> {
  const ofDeciders = context.deciders.flatMap(({ definition }) =>
    Object.entries(definition.commands).map(([type, command]) => [type, { definition, command }] as const),
  )
  const decisions = context.decisions.map(({ name, definition }) => [name, { decision: definition }] as const)
  return new Map<string, KnownCommand>([...ofDeciders, ...decisions])
}

/** The first part of the name of the stream that a command addresses, or makes. */
export function deciderOf(known: KnownCommand): string {
  // A decision names at least one definition of events.
  return 'decision' in known ? (known.decision.sources[0]?.name ?? '') : known.definition.of.name
}

/** The definition of a command type. Throws `COMMAND_TYPE_UNKNOWN`, naming the types there are. */
export function requireCommand(known: ReadonlyMap<string, KnownCommand>, type: string): KnownCommand {
  const found = known.get(type)
  if (found !== undefined) return found
  const message = `There is no command ${quoted(type)}. ${choices(type, [...known.keys()])}`
  throw new RampartError('COMMAND_TYPE_UNKNOWN', message)
}

/** What the stream of a command may be named by. */
interface Naming {
  readonly runtime: Runtime
  readonly commandId: CommandId
}

/**
 * Checks stream id and data of a command, and that it demands a version only where there can be one. Throws
 * `INPUT_INVALID` with every fault in `details.faults`.
 */
export function checkInput(sent: SentCommand, known: KnownCommand, naming: Naming): CheckedInput {
  const pointer = sent.dataPointer ?? '/data'
  const faults: InputFault[] = [...jsonFaults(sent.data, pointer)]
  const id = 'decision' in known ? idOfDecision(sent, naming) : idOf(sent, known, naming.runtime)
  if (typeof id !== 'string') faults.unshift(id)
  const checked = faults.length > 0 ? { faults } : validate(schemaOf(known), sent.data, pointer)
  if ('faults' in checked) throw invalidInput(sent.type, checked.faults)
  // A fault of the id would have left through the line above.
  return { streamId: id as StreamId, data: checked.value }
}

function schemaOf(known: KnownCommand): UntypedCommand['schema'] {
  return 'decision' in known ? known.decision.schema : known.command.schema
}

/** A decision makes a stream of its own, which nobody can name or know the version of before. */
function idOfDecision({ type, ...sent }: SentCommand, { commandId }: Naming): StreamId | InputFault {
  if (sent.streamId !== undefined) {
    return { pointer: '/streamId', detail: `${type} makes a stream of its own and takes no stream id` }
  }
  if (sent.expectedVersion === undefined) return streamId(commandId)
  throw new RampartError(
    'INPUT_INVALID',
    `${type} makes a stream of its own, so it can demand no version of one.`,
  )
}

function idOf(
  sent: SentCommand,
  { definition, command }: Exclude<KnownCommand, { decision: unknown }>,
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
  // Ids of any kind are checked by their rule already.
  return rule === anyStreamId ? (parsed as StreamId) : streamId(parsed)
}

function invalidInput(type: string, faults: readonly InputFault[]): RampartError {
  const [first] = faults
  const where = first === undefined ? '' : ` ${first.pointer || 'The body'}: ${first.detail.slice(0, 500)}.`
  return new RampartError('INPUT_INVALID', `${type} is not valid.${where}`, { details: { faults } })
}
