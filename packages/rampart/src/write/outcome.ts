// The outcome of a command as it is stored with its append, and as its sender sees it.
import type { CommandId } from '../core/codec/index.ts'
import type { Json, Refusal } from '../core/index.ts'
import { RampartError } from '../core/index.ts'
import type { LogKey, StoredOutcome } from '../core/ports/index.ts'
import type { FinalCommand } from './command-service.ts'

/** The command that an outcome is of. */
interface Settled {
  readonly streamId: string
  readonly actor: string | null
}

/** What is stored of a success. Version and place come from the append itself. */
export function succeededOutcome({ streamId, actor }: Settled): Json {
  return actor === null ? { status: 'succeeded', streamId } : { status: 'succeeded', streamId, actor }
}

/** What is stored of a refusal. */
export function refusedOutcome({ streamId, actor }: Settled, refusal: Refusal): Json {
  const { refused, data } = refusal
  const detail = refusal.detail ?? `${sentence(refused)}.`
  const told = { status: 'refused', streamId, ...sentBy(actor), code: refused, detail }
  return data === undefined ? told : { ...told, data }
}

/** What made an accepted command fail; `version` is that of the stream where another was demanded. */
export interface Failing {
  readonly code: string
  readonly detail: string
  readonly version?: number
}

/** What is stored of an accepted command that could not be handled. */
export function failedOutcome({ streamId, actor }: Settled, { code, detail, version }: Failing): Json {
  const told = { status: 'failed', streamId, ...sentBy(actor), code, detail }
  return version === undefined ? told : { ...told, version }
}

/** Who sent the command of a stored outcome; null when nobody was authenticated. */
export function senderOf({ outcome }: StoredOutcome): string | null {
  const actor: unknown =
    typeof outcome === 'object' && outcome !== null ? Reflect.get(outcome, 'actor') : null
  return typeof actor === 'string' ? actor : null
}

function sentBy(actor: string | null): { readonly actor?: string } {
  return actor === null ? {} : { actor }
}

/** `ORDER_ALREADY_CANCELLED` as the start of a sentence: `Order already cancelled`. */
function sentence(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

/** A stored outcome as its sender sees it. Throws `INTERNAL` for one that this code did not write. */
export function finalStatusOf(log: LogKey, stored: StoredOutcome): FinalCommand {
  const { commandId, outcome, version, place } = stored
  if (typeof outcome !== 'object' || outcome === null || Array.isArray(outcome)) throw unreadable(commandId)
  // The list case is excluded above; TypeScript does not narrow readonly arrays.
  const body = outcome as Readonly<Record<string, Json | undefined>>
  const { status, streamId, code, detail, data } = body
  if (typeof streamId !== 'string') throw unreadable(commandId)
  if (status === 'succeeded') {
    return { status, commandId, streamId, version, position: place.position, log, place }
  }
  if (
    (status !== 'refused' && status !== 'failed') ||
    typeof code !== 'string' ||
    typeof detail !== 'string'
  ) {
    throw unreadable(commandId)
  }
  const named = { commandId, streamId, code, detail, log, place }
  if (status === 'refused') return data === undefined ? { status, ...named } : { status, ...named, data }
  const { version: actual } = body
  return typeof actual === 'number' ? { status, ...named, version: actual } : { status, ...named }
}

function unreadable(id: CommandId): RampartError {
  const message = `The stored outcome of command ${id} is unreadable. Run the version that wrote it.`
  return new RampartError('INTERNAL', message)
}
