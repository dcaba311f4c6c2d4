// The status of a command, as JSON or as a stream that ends with the final one.
import { commandId, isUuid, type CommandId } from '../../core/codec/index.ts'
import { RampartError } from '../../core/index.ts'
import type { CommandService, CommandStatus } from '../../write/index.ts'
import { placeOf, type Endpoint } from '../endpoint.ts'
import { lastEventIdOf, jsonResponse, queryOf, segmentOf, wantsEvents, invalidInput } from '../exchange.ts'
import type { StreamEvent } from '../streams.ts'
import { mayKnow } from '../visitor.ts'
import { statusBody, tokenTextOf } from './answer.ts'
import type { CommandSide } from './send.ts'

/** Answers `GET /commands/{commandId}`. */
export function statusEndpoint({ app, services, around }: CommandSide): Endpoint {
  const path = `${app.prefix}/commands/:commandId`
  const place = placeOf(path, 'commandId')
  return {
    method: 'GET',
    path,
    async handle(exchange, visitor) {
      const id = idOf(segmentOf(exchange, place))
      if (queryOf(exchange).size > 0) throw invalidInput('The status of a command takes no query parameters.')
      const { service, status } = await findStatus(services, id, (actor) => mayKnow(visitor, actor))
      if (!wantsEvents(exchange)) return statusResponse(status)
      const seen = lastEventIdOf(exchange)
      // An answer without content tells an EventSource to stop reconnecting.
      if (status.status !== 'received' && seen === status.status) return new Response(null, { status: 204 })
      return around.streams.open((signal) => statusEvents({ service, status, seen }, signal), visitor)
    },
  }
}

function idOf(text: string): CommandId {
  const lower = text.toLowerCase()
  if (!isUuid(lower)) throw unknownCommand()
  return commandId(lower)
}

async function findStatus(
  services: readonly CommandService[],
  id: CommandId,
  mayRead: (actor: string | null) => boolean,
): Promise<{ readonly service: CommandService; readonly status: CommandStatus }> {
  for (const service of services) {
    // oxlint-disable-next-line no-await-in-loop -- the first context that knows it ends the search
    const status = await service.status(id, mayRead)
    if (status !== undefined) return { service, status }
  }
  throw unknownCommand()
}

function unknownCommand(): RampartError {
  const message = 'There is no such command, or its outcome has expired.'
  return new RampartError('COMMAND_UNKNOWN', message)
}

function statusResponse(status: CommandStatus): Response {
  const token = status.status === 'received' ? {} : { 'consistency-token': tokenTextOf(status) }
  return jsonResponse(statusBody(status), 200, { 'cache-control': 'no-store', ...token })
}

interface Watched {
  readonly service: CommandService
  readonly status: CommandStatus
  /** The id of the last event that the client got. */
  readonly seen: string | undefined
}

async function* statusEvents(
  { service, status, seen }: Watched,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  if (seen !== status.status) yield [eventOf(status)]
  if (status.status === 'received') yield [eventOf(await service.finalStatus(status.commandId, signal))]
}

function eventOf(status: CommandStatus): StreamEvent {
  return { id: status.status, data: statusBody(status) }
}
