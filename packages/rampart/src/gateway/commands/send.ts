// Sends one command as its request asks: with its key, the version it demands, and the feedback it prefers.
import type { CommandService, CommandStatus, Feedback, SentCommand } from '../../write/index.ts'
import type { AppDescription, Surroundings } from '../endpoint.ts'
import type { Exchange } from '../exchange.ts'
import type { Visitor } from '../visitor.ts'
import { demandedVersion, idempotencyKey, preferenceOf } from '../headers.ts'

/** What the commands of an app need. */
export interface CommandSide {
  readonly app: AppDescription
  readonly services: readonly CommandService[]
  readonly around: Surroundings
}

/** Where commands of one type go, and what happens without a `Prefer` header. */
export interface Route {
  readonly app: AppDescription
  readonly type: string
  readonly service: CommandService
  readonly prefers: 'wait' | 'respond-async'
  readonly around: Surroundings
}

/** A request for a command, and who sends it. */
export interface Sending {
  readonly exchange: Exchange
  readonly visitor: Visitor
}

/** How long a sender waits that does not say. */
export const defaultWaitMs = 10_000

/** Sends a command. Throws the faults of `CommandService.send`, and `HEADER_INVALID`. */
export async function send(
  { exchange, visitor: { caller } }: Sending,
  route: Route,
  content: Pick<SentCommand, 'data' | 'streamId' | 'dataPointer'>,
): Promise<CommandStatus> {
  const key = idempotencyKey(exchange)
  const expectedVersion = demandedVersion(exchange)
  const command: SentCommand = {
    type: route.type,
    actor: caller?.subject ?? null,
    roles: caller?.roles ?? [],
    ...content,
    ...(key === undefined ? {} : { key }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  }
  try {
    const status = await route.service.send(command, feedbackOf(exchange, route.prefers))
    route.around.countCommand(route.type, status.status)
    return status
  } catch (fault) {
    route.around.countCommand(route.type, 'rejected')
    throw fault
  }
}

// `respond-async` beside `wait=N` means: wait that long, then answer with the acceptance (RFC 7240 section
// 4.3).
function feedbackOf(exchange: Exchange, prefers: Route['prefers']): Feedback {
  const { waitSeconds, respondAsync } = preferenceOf(exchange)
  if (waitSeconds !== undefined) {
    return waitSeconds === 0 ? { mode: 'accept' } : { mode: 'wait', waitMs: waitSeconds * 1000 }
  }
  if (respondAsync || prefers === 'respond-async') return { mode: 'accept' }
  return { mode: 'wait', waitMs: defaultWaitMs }
}
