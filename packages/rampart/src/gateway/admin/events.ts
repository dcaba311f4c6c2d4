// Lists recorded events for operators.
import { choices, isoTime, parsePayload, position, quoted } from '../../core/codec/index.ts'
import type { Json } from '../../core/index.ts'
import { eventId, type EventRecord, type EventStore } from '../../core/ports/index.ts'
import type { AppDescription, Endpoint, Surroundings } from '../endpoint.ts'
import { invalidInput, jsonResponse, queryOf, type Exchange } from '../exchange.ts'
import { limitOf } from '../paging.ts'

/** Payloads of one answer end here; the caller goes on after the last position. */
const answerBytesMax = 8 * 1024 * 1024

/** What operators look into; `stores` are the logs of the app's contexts, in their order. */
interface OperatedLogs {
  readonly app: AppDescription
  readonly stores: readonly EventStore[]
  readonly around: Pick<Surroundings, 'turn'>
}

/** The operators' endpoints of an app. */
export function adminEndpoints({ app, stores, around }: OperatedLogs): readonly Endpoint[] {
  const byContext = new Map(app.contexts.map((context, index) => [context.name, stores[index]]))
  return [
    {
      method: 'GET',
      path: `${app.prefix}/admin/events`,
      async handle(exchange) {
        const { context, after, limit } = parametersOf(exchange, app)
        const store = byContext.get(context)
        if (store === undefined) {
          const known = choices(context, [...byContext.keys()])
          throw invalidInput(`There is no context ${quoted(context)}. ${known}`)
        }
        await around.turn()
        const { position: head } = await store.head()
        const events = await listEvents(store, after, limit)
        return jsonResponse({ head, events }, 200, { 'cache-control': 'no-store' })
      },
    },
  ]
}

function parametersOf(
  exchange: Exchange,
  app: AppDescription,
): { readonly context: string; readonly after: number; readonly limit: number } {
  const query = queryOf(exchange)
  for (const name of query.keys()) {
    if (['after', 'limit', 'context'].includes(name)) continue
    throw invalidInput(`The query parameter ${JSON.stringify(name)} is unknown. Use after, limit or context.`)
  }
  const after = query.get('after') ?? '0'
  if (!/^\d{1,16}$/.test(after) || !Number.isSafeInteger(Number(after))) {
    throw invalidInput('after takes a position, a whole number from 0.')
  }
  const [first, second] = app.contexts
  if (second !== undefined && !query.has('context')) {
    const names = app.contexts.map((context) => context.name).join(', ')
    throw invalidInput(`This app has a log per context. Name one with context=: ${names}.`)
  }
  return {
    context: query.get('context') ?? first?.name ?? '',
    after: Number(after),
    limit: limitOf(query),
  }
}

async function listEvents(store: EventStore, after: number, limit: number): Promise<readonly Json[]> {
  const events: Json[] = []
  let bytes = 0
  for await (const page of store.readLog({ after: position(after), limit, pageSize: 100 })) {
    for (const record of page.events) {
      bytes += record.payload.byteLength
      if (bytes > answerBytesMax && events.length > 0) return events
      events.push(describe(record))
    }
  }
  return events
}

function describe(record: EventRecord): Json {
  const { commandId, correlationId, causationId, actor } = record
  return {
    position: record.position,
    stream: `${record.decider}-${record.streamId}`,
    version: record.version,
    id: eventId(record),
    type: record.type,
    data: parsePayload(record),
    metadata: { commandId, correlationId, causationId, actor, recordedAt: isoTime(record.recordedAtMs) },
  }
}
