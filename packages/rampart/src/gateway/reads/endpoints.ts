// The endpoints of an app's read models: one document, a listing, and the app's own routes that read.
import { hash } from 'node:crypto'
import { choices, encodeToken, idFault, quoted } from '../../core/codec/index.ts'
import { RampartError } from '../../core/index.ts'
import type { LogPlace } from '../../core/ports/index.ts'
import type { ReadDocument, ReadModel } from '../../projection/index.ts'
import { requireMayRead } from '../access.ts'
import { placeOf, whilePresent, type AppDescription, type Endpoint, type Surroundings } from '../endpoint.ts'
import { invalidInput, lastEventIdOf, queryOf, segmentOf, wantsEvents, type Exchange } from '../exchange.ts'
import { matchesTag } from '../headers.ts'
import type { ReadRoute } from '../resource-route.ts'
import type { Visitor } from '../visitor.ts'
import { createTurns } from '../turns.ts'
import { readFreshly } from './freshness.ts'
import { inTurns } from './in-turns.ts'
import { listOf } from './listing.ts'
import { documentChanges } from './live.ts'
import { mayReadOf, visibleTo } from './visible.ts'

/** What the reads of an app need. */
export interface ReadSide {
  readonly app: AppDescription
  readonly models: readonly ReadModel[]
  readonly around: Surroundings
}

/** All endpoints that reach the read models of an app. */
export function readEndpoints(options: ReadSide): readonly Endpoint[] {
  // Apart from other turns: hundreds of reads must not hold up a command.
  const turn = createTurns(options.around.runtime)
  const side = { ...options, models: options.models.map((model) => inTurns(model, turn)) }
  const routes = side.app.routes.filter((route) => route.method === 'GET')
  return [documentEndpoint(side), listEndpoint(side), ...routes.map((route) => resourceEndpoint(side, route))]
}

function documentEndpoint({ app, models, around }: ReadSide): Endpoint {
  const path = `${app.prefix}/reads/:projection/:key`
  const places = { projection: placeOf(path, 'projection'), key: placeOf(path, 'key') }
  const modelOf = finderOf(models)
  return {
    method: 'GET',
    path,
    async handle(exchange, visitor) {
      const model = modelOf(segmentOf(exchange, places.projection))
      requireMayRead(app.access ?? {}, visitor, model.projection.name)
      const key = keyOf(model, segmentOf(exchange, places.key))
      const found = await getDocument({ exchange, visitor, model, key, around })
      if (!wantsEvents(exchange)) return documentResponse(exchange, { model, key, ...found }, bodyOf)
      const resumeFrom = lastEventIdOf(exchange)
      const { place, document } = found
      const isThere = document !== undefined
      const live = { model, key, resumeFrom, mayRead: mayReadOf(model, visitor), place, isThere }
      return around.streams.open((signal) => documentChanges(live, signal), visitor)
    },
  }
}

function listEndpoint({ app, models, around }: ReadSide): Endpoint {
  const path = `${app.prefix}/reads/:projection`
  const place = placeOf(path, 'projection')
  const modelOf = finderOf(models)
  return {
    method: 'GET',
    path,
    handle(exchange, visitor) {
      const model = modelOf(segmentOf(exchange, place))
      requireMayRead(app.access ?? {}, visitor, model.projection.name)
      return listOf({ exchange, visitor, model, around })
    },
  }
}

function resourceEndpoint({ app, models, around }: ReadSide, route: ReadRoute): Endpoint {
  const path = `${app.prefix}${route.path}`
  const place = placeOf(path, 'id')
  const model = finderOf(models)(route.read)
  return {
    method: 'GET',
    path,
    async handle(exchange, visitor) {
      requireMayRead(app.access ?? {}, visitor, route.read)
      const key = keyOf(model, segmentOf(exchange, place))
      const found = await getDocument({ exchange, visitor, model, key, around })
      return documentResponse(exchange, { model, key, ...found }, (document) => route.answer(document))
    },
  }
}

function finderOf(models: readonly ReadModel[]): (name: string) => ReadModel {
  const byName = new Map(models.map((model) => [model.projection.name, model]))
  return (name) => {
    const found = byName.get(name)
    if (found !== undefined) return found
    const message = `There is no projection ${quoted(name)}. ${choices(name, [...byName.keys()])}`
    throw new RampartError('PROJECTION_UNKNOWN', message)
  }
}

/** A key in its normal form: models of streams follow the streams' own rule. */
function keyOf(model: ReadModel, text: string): string {
  const [source] = model.projection.sources
  if (model.projection.perStream && source !== undefined) {
    const key = source.streamId.parse(text)
    if (key !== undefined) return key
    throw invalidInput(`The key in the path is not valid. It must be ${source.streamId.describe}.`)
  }
  const fault = idFault(text)
  if (fault === undefined) return text
  throw invalidInput(`The key in the path ${fault}.`)
}

interface Reading {
  readonly exchange: Exchange
  readonly visitor: Visitor
  readonly model: ReadModel
  readonly key: string
  readonly around: Surroundings
}

async function getDocument({
  exchange,
  visitor,
  model,
  key,
  around,
}: Reading): Promise<Pick<Found, 'document' | 'place'>> {
  const query = queryOf(exchange)
  for (const name of query.keys()) {
    if (name !== 'v') throw invalidInput(`The query parameter ${JSON.stringify(name)} is unknown. Use v.`)
  }
  const visible = visibleTo(model, mayReadOf(model, visitor), around.runtime)
  return readFreshly({ exchange, model, around, version: query.get('v') }, (freshness) =>
    freshness.waitMs === 0
      ? visible.get(key, freshness)
      : whilePresent(exchange, around.draining, (signal) => visible.get(key, { ...freshness, signal })),
  )
}

interface Found {
  readonly model: ReadModel
  readonly key: string
  readonly document: ReadDocument | undefined
  readonly place: LogPlace
}

function documentResponse(
  exchange: Exchange,
  { model, key, document, place }: Found,
  write: (document: ReadDocument) => unknown,
): Response {
  const token = encodeToken(new Map([[model.log, place]]))
  if (document === undefined) {
    const message = `${model.projection.name} has no document ${quoted(key)}.`
    throw new RampartError('READ_NOT_FOUND', message, { details: { token } })
  }
  const body = JSON.stringify(write(document))
  // Not made of positions: in a log that was put back from a copy they come to mean something else.
  const entityTag = `"${hash('sha1', body, 'base64url')}"`
  const headers = { etag: entityTag, 'consistency-token': token, 'cache-control': 'no-cache' }
  if (matchesTag(exchange, entityTag)) return new Response(null, { status: 304, headers })
  return new Response(body, { headers: { ...headers, 'content-type': 'application/json' } })
}

function bodyOf({ key, version, data }: ReadDocument): unknown {
  return version === null ? { key, data } : { key, version, data }
}
