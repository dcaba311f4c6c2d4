// Verifies the stores of one app beside the server that has them open: its logs with their seals, and what is
// derived from them when the app itself is known.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context, Projection } from '../core/index.ts'
import { logKey } from '../core/ports/index.ts'
import type { Damages, LogInspection, StoreInspection } from '../core/seals/index.ts'
import { verifyInParts, verifyReadModel, type VerifiedReadModel } from '../projection/index.ts'
import {
  anchorOf,
  eventName,
  verifyIndexes,
  verifyLog,
  type Anchor,
  type Finding,
  type VerifiedLog,
} from '../seal/index.ts'
import { createIdSet } from '../sqlite/inspection/index.ts'
import { openSqliteReadStore } from '../sqlite/index.ts'
import { verifyStates, type VerifiedStates } from '../write/index.ts'
import type { App } from '../host/index.ts'
import type { StoredApp } from './stored-app.ts'

/** What to verify. */
export interface VerifyRequest {
  readonly stored: StoredApp
  /** Its definitions; what is derived is not compared without them. */
  readonly definition: App | undefined
  /** Seals of its logs that were kept elsewhere. */
  readonly anchors: readonly Anchor[]
  readonly report: (finding: Finding) => void
  /** Hears what is being done, and how far. */
  readonly onProgress: (work: string, done: number, total: number) => void
}

/** A read model that was verified. */
export interface VerifiedProjection {
  readonly projection: string
  /** `left out` where this user may not read its documents. */
  readonly result: VerifiedReadModel | { readonly status: 'left out'; readonly what: string }
}

/** What was verified of an app. */
export interface VerifiedApp {
  readonly app: string
  readonly logs: readonly (Omit<VerifiedLog, 'newest'> & { readonly states: VerifiedStates | null })[]
  readonly projections: readonly VerifiedProjection[]
  /** Whether its definitions were known. */
  readonly isWhole: boolean
  /** What else could not be looked at, and why. */
  readonly leftOut: readonly string[]
  readonly anchors: readonly Anchor[]
}

/** Verifies an app. */
export async function verifyApp(asked: VerifyRequest): Promise<VerifiedApp> {
  const { report, reportRest } = bounded(asked.report)
  const leftOut: string[] = []
  const verified = await verifyStored({ ...asked, report, leaveOut: (what) => leftOut.push(what) })
  reportRest()
  return { ...verified, leftOut }
}

const findingsMax = 100

/** Passes the first findings of each kind on, and says in the end how many more there are. */
function bounded(report: VerifyRequest['report']) {
  const counts = new Map<Finding['code'], number>()
  return {
    report: (finding: Finding): void => {
      const count = (counts.get(finding.code) ?? 0) + 1
      counts.set(finding.code, count)
      if (count <= findingsMax) report(finding)
    },
    reportRest: (): void => {
      for (const [code, count] of counts) {
        const what = `there are ${count - findingsMax} further findings of this kind`
        if (count > findingsMax) report({ code, log: 'all logs', what })
      }
    },
  }
}

interface Verifying extends VerifyRequest {
  /** Hears what could not be looked at, and why. */
  readonly leaveOut: (what: string) => void
}

async function verifyStored(request: Verifying): Promise<Omit<VerifiedApp, 'leftOut'>> {
  const { stored, definition } = request
  takeDamages(request, await stored.readDamages(), stored.readsPlace)
  const nothing = { app: stored.app, logs: [], projections: [], anchors: [] }
  const verified = await unlessDamaged(request, async () => {
    await using store = await stored.openInspection()
    takeDamages(request, await store.damages(), stored.place)
    return await verifyStore(request, store)
  })
  return { ...(verified ?? nothing), isWhole: definition !== undefined }
}

function takeDamages({ report, leaveOut }: Verifying, { found, leftOut }: Damages, place: string): void {
  for (const damage of found) report({ ...damage, log: place })
  if (leftOut !== null) leaveOut(leftOut)
}

/** What a look at the store tells; `undefined` when it is too damaged for it, which is reported. */
async function unlessDamaged<T>(
  { stored, report }: VerifyRequest,
  look: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await look()
  } catch (fault) {
    const meaning = stored.meaningOf(fault)
    if (meaning.kind !== 'damage') throw fault
    report({ ...meaning.damage, log: stored.place })
    return undefined
  }
}

type VerifiedStore = Omit<VerifiedApp, 'leftOut' | 'isWhole'>

async function verifyStore(request: Verifying, store: StoreInspection): Promise<VerifiedStore> {
  const { stored, definition, report } = request
  const { app } = stored
  const logs: VerifiedApp['logs'][number][] = []
  const projections: VerifiedProjection[] = []
  const kept: Anchor[] = []
  for (const log of store.logs) {
    const context = definition?.contexts.find(({ name }) => logKey(name) === log.log)
    const whole = await unlessDamaged(request, () => verifyEvents(request, log))
    const states = await unlessDamaged(request, () => statesOf(request, context, log))
    if (whole !== undefined) {
      const { newest, ...verified } = whole
      logs.push({ ...verified, states: states ?? null })
      if (newest !== null) kept.push(anchorOf(app, log.log, newest))
    }
    if (context !== undefined) projections.push(...(await projectionsOf(request, context, log)))
  }
  reportMissing(request, store)
  await unlessDamaged(request, () => verifyIndexes(store, report))
  return { app, logs, projections, anchors: kept }
}

function verifyEvents(
  { stored, anchors, report, onProgress }: VerifyRequest,
  log: LogInspection,
): Promise<VerifiedLog> {
  return verifyLog(log, {
    anchor: anchors.find(({ app, log: of }) => app === stored.app && of === log.log),
    report,
    createIdSet,
    onProgress: (events) => onProgress(log.log, events, log.head),
  })
}

function reportMissing({ stored: { app }, anchors, report }: VerifyRequest, store: StoreInspection): void {
  const known = new Set(store.logs.map(({ log }) => log))
  for (const anchor of anchors) {
    if (anchor.app !== app || known.has(anchor.log)) continue
    report({ code: 'TAIL_CUT', log: anchor.log, what: 'the anchor names this log, which is not there' })
  }
}

async function statesOf(
  { stored, report, leaveOut }: Verifying,
  context: Context | undefined,
  log: LogInspection,
): Promise<VerifiedStates | null> {
  if (context === undefined) return null
  try {
    return await verifyStates(context, log, ({ state, what }) =>
      report({ code: 'STATE_DIFFERS', log: log.log, event: eventName(state), what }),
    )
  } catch (fault) {
    const meaning = stored.meaningOf(fault)
    if (meaning.kind !== 'barred') throw fault
    leaveOut(`the states of ${log.log} were not compared: ${mayNotRead(meaning.what, 'write')}`)
    return null
  }
}

/** Says why something is left out, and with whose rights it can be looked at. */
function mayNotRead(reason: string, kind: 'reads' | 'write'): string {
  const settings = { reads: 'RAMPART_PROJECTOR_STORE or RAMPART_READER_STORE', write: 'RAMPART_STORE' }
  return (
    `this user may not read them (${reason}). Name one who may in ${settings[kind]}, without --store, ` +
    'and verify again'
  )
}

async function projectionsOf(
  request: VerifyRequest,
  context: Context,
  log: LogInspection,
): Promise<readonly VerifiedProjection[]> {
  const verified: VerifiedProjection[] = []
  for (const projection of context.projections) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, to hold little
    const result = await compareWhole(request, projection, log)
    verified.push({ projection: projection.name, result })
    reportReadModel(request, { projection: projection.name, result }, log.log)
  }
  return verified
}

async function compareWhole(
  request: VerifyRequest,
  projection: Projection,
  log: LogInspection,
): Promise<VerifiedProjection['result']> {
  // Documents that commit with events stand beside these.
  const kind = projection.synchronous ? 'write' : 'reads'
  try {
    return await verifyInParts(projection, (part) =>
      inScratch((scratchFile) => compareOne(request, { projection: part, log, kind, scratchFile })),
    )
  } catch (fault) {
    const meaning = request.stored.meaningOf(fault)
    if (meaning.kind === 'away') throw fault
    if (meaning.kind === 'barred') return { status: 'left out', what: mayNotRead(meaning.what, kind) }
    return { status: 'unfolded', what: fault instanceof Error ? fault.message : String(fault) }
  }
}

interface Compared {
  readonly projection: Projection
  readonly log: LogInspection
  /** Where its documents are looked for. */
  readonly kind: 'reads' | 'write'
  readonly scratchFile: string
}

async function compareOne(
  { stored, onProgress }: VerifyRequest,
  { projection, log, kind, scratchFile }: Compared,
): Promise<VerifiedReadModel> {
  const opened = await stored.openViews(kind)
  if (opened === undefined) return { status: 'absent' }
  await using views = opened
  await using scratch = await openSqliteReadStore({ file: scratchFile, thread: 'caller' })
  const look = () => views.live(log.log, projection.name)
  const onFolded = (position: number, of: number): void => onProgress(projection.name, position, of)
  onFolded(0, log.head)
  const source = { projection, store: log, scratch, look, holdStill: views.holdStill, onFolded }
  const result = await verifyReadModel(source)
  const isGone = result.status === 'absent' && log.head > 0 && (await views.isUsed())
  return isGone ? { status: 'gone' } : result
}

async function inScratch<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rampart-verify-'))
  try {
    return await work(join(folder, 'reads.sqlite'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function reportReadModel(
  { report }: VerifyRequest,
  { projection, result }: VerifiedProjection,
  log: string,
): void {
  if (result.status === 'unfolded') {
    report({ code: 'READ_MODEL_UNREADABLE', log, what: `${projection} cannot be compared: ${result.what}` })
  }
  if (result.status === 'gone') {
    const what = `${projection} has no documents, although the log has events and documents were kept before`
    report({ code: 'READ_MODEL_DIFFERS', log, what })
  }
  if (result.status !== 'compared') return
  const { position, documents, differing, sample, strange } = result
  const keys = `${sample.join(', ')}${differing > sample.length ? ' …' : ''}`
  const differs = `${differing} of ${documents} documents are not what the log folds to (${keys})`
  for (const what of [...(differing === 0 ? [] : [differs]), ...strange]) {
    report({ code: 'READ_MODEL_DIFFERS', log, position, what: `${projection}: ${what}` })
  }
}
