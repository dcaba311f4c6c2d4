// Pages of a read model, and the parameters that choose what is on them.
import { choices, encodeToken, quoted } from '../../core/codec/index.ts'
import type { ListRequest, ReadDocument, ReadModel } from '../../projection/index.ts'
import { whilePresent, type Surroundings } from '../endpoint.ts'
import { invalidInput, lastEventIdOf, queryOf, wantsEvents, type Exchange } from '../exchange.ts'
import type { Visitor } from '../visitor.ts'
import { afterKeyOf, cursorAfter, limitOf } from '../paging.ts'
import { filterOf } from './filter.ts'
import { readFreshly } from './freshness.ts'
import { listChanges } from './live.ts'
import { mayReadOf, visibleTo } from './visible.ts'

/** A listing and what it needs. */
export interface Listing {
  readonly exchange: Exchange
  readonly visitor: Visitor
  readonly model: ReadModel
  readonly around: Surroundings
}

/** Answers `GET /reads/{projection}`: a page, or a stream of what is listed and of its changes. */
export async function listOf({ exchange, visitor, model, around }: Listing): Promise<Response> {
  const query = queryOf(exchange)
  const request = requestOf(model, query)
  const isStream = wantsEvents(exchange)
  const asked = isStream ? { ...request, limit: 1 } : request
  const mayRead = mayReadOf(model, visitor)
  // What a stream sends is looked through as it is sent.
  const listed = isStream ? model : visibleTo(model, mayRead, around.runtime)
  const { documents, more, place } = await readFreshly({ exchange, model, around }, (freshness) =>
    freshness.waitMs === 0
      ? listed.list(asked, freshness)
      : whilePresent(exchange, around.draining, (signal) => listed.list(asked, { ...freshness, signal })),
  )
  if (isStream) {
    const resumeFrom = lastEventIdOf(exchange)
    const filter = filterOf({ ...request, searched: model.projection.search })
    const live = { model, filter, mayRead, resumeFrom, place }
    return around.streams.open((signal) => listChanges(live, signal), visitor)
  }
  return new Response(pageText(documents, more), {
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-cache',
      'consistency-token': encodeToken(new Map([[model.log, place]])),
    },
  })
}

const ownNames = new Set(['limit', 'cursor', 'search'])

function requestOf(model: ReadModel, query: ReadonlyMap<string, string>): ListRequest {
  const { name, indexes, search } = model.projection
  const where = [...query].flatMap(([index, value]) => {
    if (indexes.includes(index)) return [{ index, value }]
    if (ownNames.has(index)) return []
    const known = ['limit', 'cursor', ...(search.length > 0 ? ['search'] : []), ...indexes]
    throw invalidInput(`${name} has no index ${quoted(index)}. ${choices(index, known, 'Use')}`)
  })
  const words = query.get('search')
  if (words !== undefined && search.length === 0 && !indexes.includes('search')) {
    throw invalidInput(`${name} cannot be searched, because it declares no members to search.`)
  }
  return {
    where,
    search: words === undefined || search.length === 0 || words.trim() === '' ? null : words,
    afterKey: afterKeyOf(query),
    limit: limitOf(query),
  }
}

function pageText(documents: readonly ReadDocument[], more: boolean): string {
  const items = documents.map(({ key, version, data, quarantined }) => ({
    key,
    ...(version === null ? {} : { version }),
    data,
    ...(quarantined === undefined ? {} : { quarantined }),
  }))
  const last = documents.at(-1)
  return JSON.stringify(more && last !== undefined ? { items, next: cursorAfter(last.key) } : { items })
}
