// What operators see of the builds of a projection, and how they begin one and decide about it.
import type { RebuildAction } from '../../projection/index.ts'
import { placeOf, type Endpoint } from '../endpoint.ts'
import { invalidInput, jsonResponse, segmentOf, type Exchange } from '../exchange.ts'
import {
  answeredAnywhere,
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
  const rebuildOf = (exchange: Exchange) => {
    const model = modelNamed(operated.models, segmentOf(exchange, place))
    if (model.rebuild !== undefined) return model.rebuild
    const { name } = model.projection
    throw invalidInput(`${name} is synchronous: its documents commit with events, and are not built anew.`)
  }
  const endpoints: readonly ModelEndpoint[] = [
    {
      method: 'GET',
      path,
      handle: async (exchange) => jsonResponse(await rebuildOf(exchange).status(), 200, uncached),
    },
    {
      method: 'POST',
      path,
      handle: async (exchange, _visitor, body) =>
        jsonResponse(await rebuildOf(exchange).act(actionIn(body)), 202, uncached),
    },
  ]
  return answeredAnywhere(endpoints, operated)
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
