// The part of the OpenAPI document that is for operators of read models: quarantined keys and rebuilds.
import type { Json } from '../core/index.ts'

interface JsonObject {
  readonly [member: string]: Json
}

const string = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const time = { type: 'string', format: 'date-time' }

function objectOf(properties: JsonObject, optional: readonly string[] = []): JsonObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required }
}

const queuedEvent = objectOf({ position: count, type: string, id: string })
const lastGood = {
  description: 'The last good document; null where there is none.',
  oneOf: [{ type: 'null' }, objectOf({ version: { type: ['integer', 'null'] }, data: {} })],
}
const quarantinedKey = {
  projection: string,
  key: string,
  error: string,
  event: queuedEvent,
  queued: count,
  since: time,
  document: lastGood,
}
const skippedEvent = objectOf({
  projection: string,
  key: string,
  event: queuedEvent,
  actor: { type: ['string', 'null'] },
  at: time,
})
const treated = {
  status: { enum: ['healed', 'would-heal', 'failed'] },
  applied: count,
  document: lastGood,
  event: queuedEvent,
  error: string,
}

function answer(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } }
}

const build = objectOf({ version: count, generation: count })

/** The answers to operators, as components. */
export const operatingResponses: JsonObject = {
  Quarantine: answer(
    'Quarantined keys, and the events that were skipped last',
    objectOf({
      items: { type: 'array', items: objectOf(quarantinedKey, ['document']) },
      skipped: { type: 'array', items: skippedEvent },
    }),
  ),
  QuarantinedKey: answer(
    'The key, its last good document, and the first 1,000 events that wait',
    objectOf({ ...quarantinedKey, events: { type: 'array', items: queuedEvent } }),
  ),
  Builds: answer(
    'Which build readers get, which are kept for a way back, and how far the last one is',
    objectOf(
      {
        live: build,
        kept: { type: 'array', items: build },
        build: {
          oneOf: [
            { type: 'null' },
            objectOf({
              version: count,
              generation: count,
              state: { enum: ['building', 'differs', 'switched', 'dropped', 'failed'] },
              position: count,
              target: count,
              perSecond: count,
              secondsLeft: { type: ['integer', 'null'] },
              comparison: {},
              error: { type: ['string', 'null'] },
            }),
          ],
        },
        parts: objectOf({ here: count, all: count }),
      },
      ['parts'],
    ),
  ),
  Treated: answer(
    'Healed, would heal, or the first event that fails',
    objectOf(treated, ['document', 'event', 'error']),
  ),
}

const named = ['Projection', 'Key'].map((name) => ({ $ref: `#/components/parameters/${name}` }))

function answers(success: string, ...statuses: number[]): JsonObject {
  const problem = { $ref: '#/components/responses/Problem' }
  return {
    '200': { $ref: `#/components/responses/${success}` },
    ...Object.fromEntries([403, 429, 503, ...statuses].map((status) => [String(status), problem])),
  }
}

function bodyOf(schema: Json): JsonObject {
  return { required: true, content: { 'application/json': { schema } } }
}

function rebuildPaths(prefix: string): JsonObject {
  const about = { tags: ['admin'], parameters: named.slice(0, 1) }
  const get = {
    operationId: 'adminBuilds',
    summary: 'The builds of a projection',
    ...about,
    responses: answers('Builds', 400, 404),
  }
  const action = { enum: ['start', 'back', 'accept', 'drop'], default: 'start' }
  const { '200': _, ...refusals } = answers('Builds', 400, 404, 413, 415)
  const post = {
    operationId: 'adminRebuild',
    summary: 'Builds a projection anew beside the live documents, goes back, or decides about a build',
    ...about,
    requestBody: bodyOf({ type: 'object', properties: { action } }),
    responses: { '202': { $ref: '#/components/responses/Builds' }, ...refusals },
  }
  return { [`${prefix}/admin/projections/{projection}/rebuild`]: { get, post } }
}

/** The paths for operators of read models below an app's prefix. */
export function quarantinePaths(prefix: string): JsonObject {
  const list = {
    operationId: 'adminQuarantine',
    summary: 'Keys that stand still, and events that were skipped',
    tags: ['admin'],
    responses: answers('Quarantine'),
  }
  const show = {
    operationId: 'adminQuarantinedKey',
    summary: 'One quarantined key with the events that wait',
    tags: ['admin'],
    parameters: named,
    responses: answers('QuarantinedKey', 400, 404),
  }
  const treat = {
    operationId: 'adminTreatKey',
    summary: 'Tries, replays or skips what a quarantined key waits with',
    tags: ['admin'],
    parameters: named,
    requestBody: bodyOf(objectOf({ action: { enum: ['dry-run', 'replay', 'skip'] } })),
    responses: answers('Treated', 400, 404, 413, 415),
  }
  return {
    [`${prefix}/admin/quarantine`]: { get: list },
    [`${prefix}/admin/quarantine/{projection}/{key}`]: { get: show, post: treat },
    ...rebuildPaths(prefix),
  }
}
