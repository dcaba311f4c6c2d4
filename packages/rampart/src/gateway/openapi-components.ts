// The parts of the OpenAPI document that are the same for every app, as data.
import type { Json } from '../core/index.ts'
import { operatingResponses } from './openapi-operating.ts'

const string = { type: 'string' }
const uuid = { type: 'string', format: 'uuid' }
const count = { type: 'integer', minimum: 0 }
const token = { description: 'What the answer has seen; present it to a read.', schema: string }
const tokenHeader = { 'Consistency-Token': { $ref: '#/components/headers/ConsistencyToken' } }

function schema(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

function objectOf(properties: { readonly [name: string]: Json }, optional: readonly string[] = []): Json {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required }
}

const succeeded = {
  commandId: uuid,
  status: { const: 'succeeded' },
  streamId: string,
  version: count,
  position: count,
}
const received = { commandId: uuid, status: { const: 'received' }, streamId: string }
const notDone = { code: string, detail: string, consistencyToken: string }
const problem = {
  type: string,
  title: string,
  status: { type: 'integer' },
  detail: string,
  code: string,
  errors: { type: 'array', items: objectOf({ pointer: string, detail: string }), maxItems: 100 },
}
const recordedEvent = {
  position: count,
  stream: string,
  version: count,
  id: string,
  type: string,
  data: {},
  metadata: objectOf({
    commandId: { type: ['string', 'null'] },
    correlationId: { type: ['string', 'null'] },
    causationId: { type: ['string', 'null'] },
    actor: { type: ['string', 'null'] },
    recordedAt: { type: 'string', format: 'date-time' },
  }),
}

function parameter(name: string, place: string, rest: { readonly [member: string]: Json }): Json {
  return { name, in: place, schema: string, ...rest }
}

const wait = 'wait=N waits up to N seconds (60 at most); respond-async answers with the acceptance at once.'
const demand = 'The version that the stream must have, as a strong entity tag: "3".'
const key = 'Names this intent: sent again, it has no second effect and gets the first answer.'

const tokenDescription =
  'A signed JWT with sub and exp. Roles stand in the claim roles, a list; admin is the one of operators.'

/** Schemas, parameters, headers and responses that paths refer to. */
export const openApiComponents: { readonly [member: string]: Json } = {
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: tokenDescription },
  },
  schemas: {
    CommandSucceeded: objectOf(succeeded),
    CommandReceived: objectOf(received),
    CommandStatus: {
      oneOf: [
        objectOf(received),
        objectOf({ ...succeeded, consistencyToken: string }),
        objectOf({ ...received, status: { const: 'refused' }, ...notDone, data: {} }, ['data']),
        objectOf({ ...received, status: { const: 'failed' }, ...notDone, version: count }, ['version']),
      ],
    },
    Problem: objectOf(problem, ['errors']),
    Refusal: objectOf({ ...problem, commandId: uuid, data: {} }, ['errors', 'data']),
    RecordedEvents: objectOf({ head: count, events: { type: 'array', items: objectOf(recordedEvent) } }),
  },
  headers: {
    ConsistencyToken: token,
    Location: {
      description: 'The status of the command.',
      schema: { type: 'string', format: 'uri-reference' },
    },
    RetryAfter: { description: 'Seconds after which to try again.', schema: count },
  },
  parameters: {
    IdempotencyKey: parameter('Idempotency-Key', 'header', { description: key }),
    Prefer: parameter('Prefer', 'header', { description: wait, example: 'wait=5' }),
    IfMatch: parameter('If-Match', 'header', { description: demand }),
    IfNoneMatch: parameter('If-None-Match', 'header', { description: 'Entity tags that the caller has.' }),
    ConsistencyToken: parameter('Consistency-Token', 'header', {
      description: 'The read waits until it contains what this token has seen.',
    }),
    LastEventId: parameter('Last-Event-ID', 'header', {
      description: 'With Accept: text/event-stream, the event to go on after.',
    }),
    CommandId: parameter('commandId', 'path', { required: true, schema: uuid }),
    Key: parameter('key', 'path', { required: true }),
    Projection: parameter('projection', 'path', { required: true }),
    Version: parameter('v', 'query', {
      schema: count,
      description: 'The read waits until the document has this version.',
    }),
    Limit: parameter('limit', 'query', { schema: { type: 'integer', minimum: 1, default: 50 } }),
    Cursor: parameter('cursor', 'query', { description: '`next` of the page before.' }),
    After: parameter('after', 'query', { schema: { type: 'integer', minimum: 0, default: 0 } }),
    Context: parameter('context', 'query', { description: 'Which log, in an app of several contexts.' }),
  },
  responses: {
    CommandSucceeded: {
      description: 'Done',
      headers: tokenHeader,
      content: { 'application/json': { schema: schema('CommandSucceeded') } },
    },
    CommandReceived: {
      description: 'Accepted durably; Location names its status.',
      headers: { Location: { $ref: '#/components/headers/Location' } },
      content: { 'application/json': { schema: schema('CommandReceived') } },
    },
    CommandStatus: {
      description: 'The status; final ones carry a consistency token.',
      headers: tokenHeader,
      content: {
        'application/json': { schema: schema('CommandStatus') },
        'text/event-stream': { schema: string },
      },
    },
    RecordedEvents: {
      description: 'Events in the order of the log',
      content: { 'application/json': { schema: schema('RecordedEvents') } },
    },
    Unauthenticated: {
      description: 'No token was sent, or one that does not hold.',
      headers: { 'WWW-Authenticate': { description: 'Why (RFC 6750).', schema: string } },
      content: { 'application/problem+json': { schema: schema('Problem') } },
    },
    ...operatingResponses,
    Problem: {
      description: 'A problem document (RFC 9457).',
      headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
      content: { 'application/problem+json': { schema: schema('Problem') } },
    },
  },
}
