// What the examples of deciders and of decisions share: their circumstances, and how answers are compared.
import { isRefusal, validate, type UntypedCommand } from '../core/codec/index.ts'
import { RampartError, refuse, type DecidedEvent, type Json, type Refusal } from '../core/index.ts'
import { expectSame } from './expect.ts'

/** Circumstances of an example; each has a value that examples need not care for. */
export interface Circumstances {
  readonly id?: string
  readonly commandId?: string
  readonly actor?: string | null
  readonly receivedAt?: string
}

/** What came of a command, to be compared. Every comparison throws an error that any test runner shows. */
export interface Then {
  /** It recorded exactly these events, in this order. */
  readonly thenEvents: (...expected: readonly DecidedEvent[]) => void
  /** It found nothing to do. */
  readonly thenNothing: () => void
  /** It was refused with this code, and with this data when some is given. */
  readonly thenRefused: (code: string, data?: Json) => void
  /** Its data was refused by its schema at these JSON pointers. */
  readonly thenInvalid: (...pointers: readonly string[]) => void
  /** The decision itself, for comparisons of another kind. */
  readonly decision: readonly DecidedEvent[] | Refusal | readonly string[]
}

const someUuid = '0190163d-8694-739b-aea5-966c26f8ad91'

/** What a command is decided with. */
export function askOf(circumstances: Circumstances) {
  const {
    id = someUuid,
    commandId = someUuid,
    actor = null,
    receivedAt = '2026-01-01T00:00:00.000Z',
  } = circumstances
  return { id, commandId, actor, receivedAt, refuse }
}

/** The part of a command that is asked for an answer. */
export type Answering = Pick<UntypedCommand, 'schema' | 'refuses'>

/**
 * The data of a command as its schema gives it, or the pointers of what the schema refuses.
 */
export function checkedData(
  { schema }: Answering,
  data: unknown,
): { readonly data: Json } | readonly string[] {
  const checked = validate<Json>(schema, data)
  return 'faults' in checked ? checked.faults.map(({ pointer }) => pointer) : { data: checked.value }
}

/** The events of an answer, or its refusal. Throws `DECIDER_FAILED` for a code that was not declared. */
export function eventsOrRefusal(
  type: string,
  { refuses }: Answering,
  answer: DecidedEvent | readonly DecidedEvent[] | Refusal,
): readonly DecidedEvent[] | Refusal {
  if (!isRefusal(answer)) return 'type' in answer ? [answer] : answer
  if (refuses.includes(answer.refused)) return answer
  const message = `${type} refused with ${answer.refused}, which it does not declare.`
  throw new RampartError('DECIDER_FAILED', message)
}

/** The comparisons of what came of a command. */
export function thenOf(type: string, decision: Then['decision']): Then {
  return {
    decision,
    thenEvents: (...expected) => expectSame(`the events of ${type}`, decision, expected),
    thenNothing: () => expectSame(`the events of ${type}`, decision, []),
    thenRefused: (code, data) => expectRefused(type, decision, { code, data }),
    thenInvalid: (...pointers) => expectSame(`the faults in the data of ${type}`, decision, pointers),
  }
}

function expectRefused(
  type: string,
  decision: Then['decision'],
  { code, data }: { readonly code: string; readonly data: Json | undefined },
): void {
  const refusal = isRefusal(decision) ? decision : undefined
  expectSame(`the answer to ${type}`, refusal?.refused ?? decision, code)
  if (data !== undefined) expectSame(`the data of the refusal ${code}`, refusal?.data, data)
}
