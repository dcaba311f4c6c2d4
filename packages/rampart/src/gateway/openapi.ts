// Describes an app's endpoints as an OpenAPI 3.1 document, from the definitions that the endpoints run on.
import { jsonSchemaOf } from '../core/codec/index.ts'
import type { Json, Projection, StreamIdRule } from '../core/index.ts'
import type { AppDescription } from './endpoint.ts'
import { commandsOf, type NamedCommand } from './named-command.ts'
import { quarantinePaths } from './openapi-operating.ts'
import { openApiComponents } from './openapi-components.ts'
import { hasRole } from './own-part.ts'
import type { CommandRoute, ReadRoute } from './resource-route.ts'

/** A JSON object, as most of a JSON Schema or OpenAPI document is one. */
export interface JsonObject {
  readonly [member: string]: Json
}

/** The OpenAPI document of an app. Paths carry the app's prefix. */
export function openApiOf(app: AppDescription): JsonObject {
  const document = openApiWithoutTokens(app)
  return app.needsToken === true ? { ...document, ...withTokens(document.paths) } : document
}

/** Every path here needs a token, and may be forbidden to its sender. */
function withTokens(paths: Paths): JsonObject {
  const denied = { '401': reference('responses', 'Unauthenticated'), ...problems(403) }
  const guarded = Object.entries(paths).map(([path, operations]) => {
    const entries = Object.entries(operations).map(([method, operation]) => {
      return [method, { ...operation, responses: { ...operation.responses, ...denied } }] as const
    })
    return [path, Object.fromEntries(entries)] as const
  })
  return { security: [{ bearer: [] }], paths: Object.fromEntries(guarded) }
}

interface Operation extends JsonObject {
  readonly responses: JsonObject
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

function openApiWithoutTokens(app: AppDescription): JsonObject & { readonly paths: Paths } {
  const commands = commandsOf(app)
  return {
    openapi: '3.1.0',
    info: {
      title: app.name,
      version: '1',
      description: 'Commands change, reads answer, and a consistency token of the one makes the other wait.',
    },
    paths: {
      ...Object.fromEntries(commands.map((command) => commandPath(app, command))),
      ...(hasRole(app, 'write') ? statusPath(app) : {}),
      ...Object.assign({}, ...projectionsOf(app).map((projection) => readPaths(app, projection))),
      ...resourcePaths(app, commands),
      ...adminPath(app),
    },
    components: openApiComponents,
  }
}

/** All projections of an app, in the order of its definitions. */
export function projectionsOf(app: AppDescription): readonly Projection[] {
  return app.contexts.flatMap((context) => context.projections)
}

/** The JSON Schema of a command's data; that of any object where its library cannot tell. */
export function dataSchemaOf({ type, command }: NamedCommand): JsonObject {
  const schema = jsonSchemaOf(command.schema)
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return { type: 'object' }
  // The list case is excluded above; TypeScript does not narrow readonly arrays.
  const { $schema: _dialect, ...rest } = schema as JsonObject
  // Local references keep their meaning inside of a larger document only below an id of their own.
  return '$defs' in rest ? { $id: `urn:rampart:schema:${type}`, ...rest } : rest
}

function streamIdSchema({ format, describe }: StreamIdRule): JsonObject {
  return { type: 'string', minLength: 1, description: describe, ...(format === undefined ? {} : { format }) }
}

const reference = (kind: string, name: string): JsonObject => ({ $ref: `#/components/${kind}/${name}` })
const parameters = (...names: string[]): readonly Json[] => names.map((name) => reference('parameters', name))
const jsonContent = (schema: Json): JsonObject => ({ 'application/json': { schema } })

function problems(...statuses: number[]): JsonObject {
  return Object.fromEntries(statuses.map((status) => [String(status), reference('responses', 'Problem')]))
}

function commandParametersOf({ stream }: NamedCommand): readonly Json[] {
  return parameters('IdempotencyKey', 'Prefer', ...(stream === null ? [] : ['IfMatch']))
}

const commandProblems = problems(400, 409, 412, 413, 415, 429, 500, 503)

function refusalOf({ command }: NamedCommand): JsonObject {
  const code = command.refuses.length === 0 ? {} : { properties: { code: { enum: command.refuses } } }
  const schema = { allOf: [reference('schemas', 'Refusal'), code] }
  return {
    '422': {
      description: `Refused by the domain: ${command.refuses.join(', ') || 'never'}.`,
      headers: { 'Consistency-Token': reference('headers', 'ConsistencyToken') },
      content: { 'application/problem+json': { schema } },
    },
  }
}

function commandPath({ prefix }: AppDescription, named: NamedCommand): readonly [string, JsonObject] {
  const data = dataSchemaOf(named)
  const needsData = Array.isArray(data['required']) && data['required'].length > 0
  const { stream } = named
  const needsId = stream !== null && !stream.mayOmitId
  const required = [...(needsId ? ['streamId'] : []), ...(needsData ? ['data'] : [])]
  const body = {
    type: 'object',
    properties: { ...(stream === null ? {} : { streamId: streamIdSchema(stream.ids) }), data },
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  }
  const post = {
    operationId: named.type,
    summary: named.type,
    tags: [named.group],
    parameters: commandParametersOf(named),
    requestBody: { required: true, content: jsonContent(body) },
    responses: {
      '200': reference('responses', 'CommandSucceeded'),
      '202': reference('responses', 'CommandReceived'),
      ...refusalOf(named),
      ...commandProblems,
    },
  }
  return [`${prefix}/commands/${named.type}`, { post }]
}

function statusPath({ prefix }: AppDescription): JsonObject {
  const get = {
    operationId: 'commandStatus',
    summary: 'What became of a command',
    tags: ['commands'],
    parameters: parameters('CommandId', 'LastEventId'),
    responses: {
      '200': reference('responses', 'CommandStatus'),
      '204': { description: 'The final status was streamed before.' },
      ...problems(400, 404, 429, 503),
    },
  }
  return { [`${prefix}/commands/{commandId}`]: { get } }
}

function documentSchema({ perStream, initial }: Projection): JsonObject {
  return {
    type: 'object',
    properties: {
      key: { type: 'string' },
      ...(perStream ? { version: { type: 'integer', minimum: 0 } } : {}),
      data: { examples: [initial] },
    },
    required: ['key', 'data', ...(perStream ? ['version'] : [])],
  }
}

const mark = 'The last good document of a key that is quarantined; a key that never had one is not listed.'

function listedSchema(schema: JsonObject): JsonObject {
  return { allOf: [schema, { properties: { quarantined: { const: true, description: mark } } }] }
}

const readParameters = parameters('ConsistencyToken', 'Prefer', 'LastEventId')
const readHeaders = { 'Consistency-Token': reference('headers', 'ConsistencyToken') }
const readProblems = problems(400, 404, 429, 503, 504)

function readPaths({ prefix }: AppDescription, projection: Projection): JsonObject {
  const { name, perStream, indexes, search } = projection
  const schema = documentSchema(projection)
  const filters = [
    ...indexes.map((index) => queryParameter(index, `Only documents with this ${index}`)),
    ...(search.length > 0 ? [queryParameter('search', `Words to find in ${search.join(', ')}`)] : []),
  ]
  const document = {
    operationId: `read-${name}`,
    summary: `One document of ${name}`,
    tags: [name],
    parameters: [...parameters('Key', ...(perStream ? ['Version'] : []), 'IfNoneMatch'), ...readParameters],
    responses: documentResponses(schema),
  }
  const page = {
    type: 'object',
    properties: { items: { type: 'array', items: listedSchema(schema) }, next: { type: 'string' } },
    required: ['items'],
  }
  const list = {
    operationId: `list-${name}`,
    summary: `Documents of ${name}, by key`,
    tags: [name],
    parameters: [...filters, ...parameters('Limit', 'Cursor'), ...readParameters],
    responses: { '200': readResponse('A page', page), ...readProblems },
  }
  return { [`${prefix}/reads/${name}/{key}`]: { get: document }, [`${prefix}/reads/${name}`]: { get: list } }
}

function queryParameter(name: string, description: string): JsonObject {
  return { name, in: 'query', description, schema: { type: 'string' } }
}

function readResponse(description: string, schema: Json, headers: JsonObject = {}): JsonObject {
  const stream = { 'text/event-stream': { schema: { type: 'string' } } }
  return {
    description,
    headers: { ...readHeaders, ...headers },
    content: { ...jsonContent(schema), ...stream },
  }
}

function documentResponses(schema: Json): JsonObject {
  const headers = { ETag: { description: 'Names this state', schema: { type: 'string' } } }
  const found = readResponse('The document', schema, headers)
  return { '200': found, '304': { description: 'Unchanged.' }, ...readProblems }
}

function resourcePaths(app: AppDescription, commands: readonly NamedCommand[]): JsonObject {
  const paths: Record<string, JsonObject> = {}
  for (const route of app.routes) {
    const path = `${app.prefix}${route.path.replaceAll(/:(\w+)/g, '{$1}')}`
    const named = commands.find(({ type }) => route.method !== 'GET' && type === route.command)
    const operation = route.method === 'GET' ? readOperation(app, route) : commandOperation(route, named)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation }
  }
  return paths
}

const idParameter = { name: 'id', in: 'path', required: true, schema: { type: 'string' } }

function commandOperation(route: CommandRoute, named: NamedCommand | undefined): JsonObject {
  if (named === undefined) return {}
  const answer = { type: 'object', properties: ownMembers(route) }
  return {
    summary: `Sends ${route.command}`,
    tags: [named.group],
    parameters: [...(route.path.includes(':id') ? [idParameter] : []), ...commandParametersOf(named)],
    requestBody: { required: true, content: jsonContent(dataSchemaOf(named)) },
    responses: {
      '200': {
        description: 'Done',
        headers: readHeaders,
        content: jsonContent({ allOf: [reference('schemas', 'CommandSucceeded'), answer] }),
      },
      '202': {
        description: 'Accepted durably; Location names its status.',
        headers: { Location: reference('headers', 'Location') },
        content: jsonContent(answer),
      },
      ...refusalOf(named),
      ...commandProblems,
    },
  }
}

// What an answer carries is known by making one.
function ownMembers(route: CommandRoute): JsonObject {
  const sample = route.answer({ streamId: '', commandId: '' })
  return Object.fromEntries(Object.keys(sample).map((member) => [member, {}]))
}

function readOperation(app: AppDescription, route: ReadRoute): JsonObject {
  const projection = projectionsOf(app).find(({ name }) => name === route.read)
  const version = projection?.perStream === true ? ['Version'] : []
  const schema = route.schema === undefined ? undefined : jsonSchemaOf(route.schema)
  return {
    summary: `Reads ${route.read}`,
    tags: [route.read],
    parameters: [idParameter, ...parameters(...version, 'IfNoneMatch', 'ConsistencyToken', 'Prefer')],
    responses: documentResponses(schema ?? { type: 'object' }),
  }
}

function adminPath(app: AppDescription): JsonObject {
  const get = {
    operationId: 'adminEvents',
    summary: 'Recorded events, for operators',
    tags: ['admin'],
    parameters: parameters('After', 'Limit', 'Context'),
    responses: { '200': reference('responses', 'RecordedEvents'), ...problems(400, 403, 429, 503) },
  }
  return {
    ...(hasRole(app, 'write') ? { [`${app.prefix}/admin/events`]: { get } } : {}),
    ...(hasRole(app, 'write') || hasRole(app, 'project') ? quarantinePaths(app.prefix) : {}),
  }
}
