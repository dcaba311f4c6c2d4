// What operators see of quarantined keys, and what they do about them.
import { choices, idFault, isoTime, quoted } from '../../core/codec/index.ts'
import { RampartError } from '../../core/index.ts'
import type { QuarantinedKey, QueuedEvent, StoredDocument } from '../../core/ports/index.ts'
import type { ReadModel, TreatmentAction } from '../../projection/index.ts'
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

/** Documents of one answer end here; further entries come without theirs. */
const documentBytesMax = 8 * 1024 * 1024
const queuedMax = 1000
const skippedMax = 100
const uncached = { 'cache-control': 'no-store' }

/** The endpoints that list quarantined keys, show one, and treat it. */
export function quarantineEndpoints(operated: OperatedModels): readonly Endpoint[] {
  const root = `${operated.app.prefix}/admin/quarantine`
  const path = `${root}/:projection/:key`
  const check = (exchange: Exchange): void => {
    const name = segmentOf(exchange, placeOf(path, 'projection'))
    if (!isSynchronous(operated.app, name)) return
    const message = `${name} is synchronous: what it cannot fold fails the command, and no key stands still.`
    throw new RampartError('READ_NOT_FOUND', message)
  }
  const endpoints: readonly ModelEndpoint[] = [
    {
      method: 'GET',
      path: root,
      handle: async () => jsonResponse(await listAll(operated.models), 200, uncached),
    },
    { method: 'GET', path, check, handle: (exchange) => show(namedIn(exchange, path, operated)) },
    {
      method: 'POST',
      path,
      check,
      async handle(exchange, { caller }, body) {
        const actor = caller?.subject ?? null
        const { model, key } = namedIn(exchange, path, operated)
        const result = await model.quarantine.treat({ key, action: actionIn(body), actor })
        const told = result.status === 'failed' ? { ...result, event: eventOf(result.event) } : result
        return jsonResponse(told, 200, uncached)
      },
    },
  ]
  return answeredAnywhere(endpoints, operated)
}

async function show({ model, key }: NamedKey): Promise<Response> {
  const { entry, queued, document } = await model.quarantine.show(key)
  const events = queued.slice(0, queuedMax).map(eventOf)
  return jsonResponse({ ...entryOf(model, entry), document: shownDocument(document), events }, 200, uncached)
}

/** The read model that a path names. Throws `PROJECTION_UNKNOWN`. */
export function modelNamed(models: readonly ReadModel[], name: string): ReadModel {
  const found = models.find(({ projection }) => projection.name === name)
  if (found !== undefined) return found
  const known = models.map(({ projection }) => projection.name)
  const message = `There is no projection ${quoted(name)}. ${choices(name, known)}`
  throw new RampartError('PROJECTION_UNKNOWN', message)
}

interface NamedKey {
  readonly model: ReadModel
  readonly key: string
}

function namedIn(exchange: Exchange, path: string, { models }: OperatedModels): NamedKey {
  const model = modelNamed(models, segmentOf(exchange, placeOf(path, 'projection')))
  const key = segmentOf(exchange, placeOf(path, 'key'))
  const fault = idFault(key)
  if (fault !== undefined) throw invalidInput(`The key in the path ${fault}.`)
  return { model, key }
}

const actions: readonly TreatmentAction[] = ['dry-run', 'replay', 'skip']

function actionIn(body: OperatorBody): TreatmentAction {
  requireOnlyAction(body)
  const action = actions.find((one) => one === body['action'])
  if (action !== undefined) return action
  const detail = `must be one of ${actions.join(', ')}`
  throw invalidInput('The action is missing or unknown.', [{ pointer: '/action', detail }])
}

async function listAll(models: readonly ReadModel[]): Promise<object> {
  const items: object[] = []
  const skipped: object[] = []
  let bytes = 0
  for (const model of models) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, so that the answer stays bounded
    for (const entry of await model.quarantine.list()) {
      // oxlint-disable-next-line no-await-in-loop -- the same
      const document = bytes > documentBytesMax ? undefined : await lastGood(model, entry.key)
      bytes += JSON.stringify(document ?? null).length
      items.push({ ...entryOf(model, entry), ...(document === undefined ? {} : { document }) })
    }
    // oxlint-disable-next-line no-await-in-loop -- the same
    for (const one of await model.quarantine.skipped(skippedMax)) skipped.push(skippedOf(model, one))
  }
  return { items, skipped }
}

async function lastGood(model: ReadModel, key: string): Promise<object | null> {
  const { document } = await model.quarantine.show(key).catch(absentWhenHealed)
  return shownDocument(document)
}

function shownDocument(document: StoredDocument | undefined): object | null {
  if (document === undefined || document.data === null) return null
  return { version: document.version, data: document.data }
}

// It may be healed between the listing and the look at its document.
function absentWhenHealed(fault: unknown): { readonly document: undefined } {
  if (fault instanceof Error && 'code' in fault && fault.code === 'READ_NOT_FOUND')
    return { document: undefined }
  throw fault
}

function entryOf({ projection }: ReadModel, entry: QuarantinedKey): object {
  return {
    projection: projection.name,
    key: entry.key,
    error: entry.error,
    event: eventOf(entry.failing),
    queued: entry.queued,
    since: isoTime(entry.sinceMs),
  }
}

function eventOf({ position, eventId, type }: QueuedEvent): object {
  return { position, type, id: eventId }
}

type Skipped = Awaited<ReturnType<ReadModel['quarantine']['skipped']>>[number]

function skippedOf({ projection }: ReadModel, { key, event, actor, atMs }: Skipped): object {
  return { projection: projection.name, key, event: eventOf(event), actor, at: isoTime(atMs) }
}
