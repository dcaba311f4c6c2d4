// What operators see of the builds of a projection, and how they begin one and decide about it.
import type { RampartError } from '../../core/index.ts'
import type { RebuildAction } from '../../projection/index.ts'
import { placeOf, type Endpoint } from '../endpoint.ts'
import { invalidInput, jsonResponse, segmentOf, type Exchange } from '../exchange.ts'
import {
  answeredAnywhere,
  isSynchronous,
  requireOnlyAction,
  type ModelEndpoint,
  type OperatedModels,
  type OperatorBody,
} from './ask-elsewhere.ts'
import { modelNamed } from './quarantine.ts'

const uncached = { 'cache-control': 'no-store' }
const actions: readonly RebuildAction[] = ['start', 'back', 'accept', 'drop']

/** The endpoints that show the builds of a projection, and act on them. */
export function rebuildEndpoints(operated: OperatedModels): readonly Endpoint[] {
  const path = `${operated.app.prefix}/admin/projections/:projection/rebuild`
  const place = placeOf(path, 'projection')
  const check = (exchange: Exchange): void => {
    const name = segmentOf(exchange, place)
    if (isSynchronous(operated.app, name)) throw neverBuilt(name)
  }
  const rebuildOf = (exchange: Exchange) => {
    const { rebuild, projection } = modelNamed(operated.models, segmentOf(exchange, place))
    if (rebuild === undefined) throw neverBuilt(projection.name)
    return rebuild
  }
  const endpoints: readonly ModelEndpoint[] = [
    {
      method: 'GET',
      path,
      check,
      handle: async (exchange) => jsonResponse(await rebuildOf(exchange).status(), 200, uncached),
    },
    {
      method: 'POST',
      path,
      check,
      handle: async (exchange, _visitor, body) =>
        jsonResponse(await rebuildOf(exchange).act(actionIn(body)), 202, uncached),
    },
  ]
  return answeredAnywhere(endpoints, operated)
}

function neverBuilt(name: string): RampartError {
  return invalidInput(`${name} is synchronous: its documents commit with events, and are not built anew.`)
}

function actionIn(body: OperatorBody): RebuildAction {
  requireOnlyAction(body)
  const { action: wanted = 'start' } = body
  const action = actions.find((one) => one === wanted)
  if (action !== undefined) return action
  throw invalidInput('The action is unknown.', [
    { pointer: '/action', detail: `must be one of ${actions.join(', ')}` },
  ])
}
