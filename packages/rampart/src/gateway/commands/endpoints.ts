// The endpoints of an app's commands: the generic one, its status, and the app's own routes that send
// commands.
import { choices, quoted } from '../../core/codec/index.ts'
import { RampartError, type StreamIdRule } from '../../core/index.ts'
import { requireMaySend } from '../access.ts'
import { readJsonObject } from '../body.ts'
import { placeOf, type AppDescription, type Endpoint } from '../endpoint.ts'
import { invalidInput, segmentOf, type Exchange } from '../exchange.ts'
import type { CommandRoute } from '../resource-route.ts'
import { answerOf } from './answer.ts'
import { send, type CommandSide, type Route } from './send.ts'
import { statusEndpoint } from './status.ts'

/** All endpoints that reach the write side of an app. */
export function commandEndpoints(side: CommandSide): readonly Endpoint[] {
  const routes = side.app.routes.filter((route) => route.method !== 'GET')
  return [postEndpoint(side), statusEndpoint(side), ...routes.map((route) => resourceEndpoint(side, route))]
}

const members = new Set(['streamId', 'data'])

function postEndpoint(side: CommandSide): Endpoint {
  const path = `${side.app.prefix}/commands/:type`
  const place = placeOf(path, 'type')
  const byType = routesByType(side)
  return {
    method: 'POST',
    path,
    async handle(exchange, visitor) {
      const type = segmentOf(exchange, place)
      const route = byType.get(type) ?? unknownType(type, byType)
      requireMaySend(side.app.access ?? {}, visitor, type)
      const body = await readJsonObject(exchange, side.around)
      requireKnownMembers(body)
      const { streamId, data = {} } = body
      if (streamId !== undefined && typeof streamId !== 'string') throw streamIdNoString()
      const content = { data, ...(streamId === undefined ? {} : { streamId }) }
      const status = await send({ exchange, visitor }, route, content)
      return answerOf(status, { prefix: side.app.prefix })
    },
  }
}

function routesByType({ app, services, around }: CommandSide): ReadonlyMap<string, Route> {
  return new Map(
    services.flatMap((service) =>
      service.types.map((type) => [type, { type, service, around, prefers: 'wait', app }] as const),
    ),
  )
}

function unknownType(type: string, known: ReadonlyMap<string, Route>): never {
  const message = `There is no command ${quoted(type)}. ${choices(type, [...known.keys()])}`
  throw new RampartError('COMMAND_TYPE_UNKNOWN', message)
}

function requireKnownMembers(body: Readonly<Record<string, unknown>>): void {
  const foreign = Object.keys(body).filter((key) => !members.has(key))
  if (foreign.length === 0) return
  const faults = foreign.slice(0, 100).map((key) => ({
    pointer: `/${key.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`,
    detail: 'this key is unknown here; a command has streamId and data',
  }))
  throw invalidInput('The body has members that no command has.', faults)
}

function streamIdNoString(): RampartError {
  return invalidInput('/streamId: must be a string.', [{ pointer: '/streamId', detail: 'must be a string' }])
}

function resourceEndpoint(side: CommandSide, route: CommandRoute): Endpoint {
  const path = `${side.app.prefix}${route.path}`
  const place = placeOf(path, 'id')
  const { prefix } = side.app
  const found = routesByType(side).get(route.command)
  if (found === undefined) throw new Error(`App ${side.app.name} checks its routes, ${route.path} too.`)
  const target: Route = { ...found, prefers: route.prefer ?? 'wait' }
  const rule = place === -1 ? undefined : streamIdRuleOf(side.app, route.command)
  return {
    method: route.method,
    path,
    async handle(exchange, visitor) {
      requireMaySend(side.app.access ?? {}, visitor, route.command)
      const streamId = rule === undefined ? undefined : idOf(exchange, place, rule)
      const data = await readJsonObject(exchange, side.around)
      const id = streamId === undefined ? {} : { streamId }
      const status = await send({ exchange, visitor }, target, { data, dataPointer: '', ...id })
      return answerOf(status, { prefix, members: route.answer })
    },
  }
}

function streamIdRuleOf(app: AppDescription, command: string): StreamIdRule {
  const deciders = app.contexts.flatMap((context) => context.deciders)
  const owner = deciders.find(({ definition }) => Object.hasOwn(definition.commands, command))
  if (owner === undefined) throw new Error(`App ${app.name} checks its routes, that of ${command} too.`)
  return owner.definition.of.streamId
}

function idOf(exchange: Exchange, place: number, rule: StreamIdRule): string {
  const id = rule.parse(segmentOf(exchange, place))
  if (id === undefined) throw invalidInput(`The id in the path is not valid. It must be ${rule.describe}.`)
  return id
}
