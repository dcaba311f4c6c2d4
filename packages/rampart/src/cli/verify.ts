// `rampart verify`: finds whatever was changed behind the platform's back, beside a running server.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { RampartError } from '../core/index.ts'
import type { App } from '../host/index.ts'
import { callerFolder, findAppNote } from '../host/notes/index.ts'
import { anchorsIn, findingCodes, type Anchor, type Finding } from '../seal/index.ts'
import { appFoldersIn, findAppFolders } from './data-folder.ts'
import { nameOf, placeOfData, withPlace, type DataOptions, type DataPlace } from './data-place.ts'
import { found, ink, print, printJson } from './output.ts'
import { openProgress, type Progress } from './progress.ts'
import { storesInDatabase, storesInFolder, type StoredApp } from './stored-app.ts'
import { verifyApp, type VerifiedApp } from './verify-app.ts'

interface VerifyOptions extends DataOptions {
  readonly json?: true
  readonly anchor?: string
  readonly writeAnchor?: string
}

/** Adds the command to a program. */
export function addVerify(program: Command): void {
  withPlace(program.command('verify [modules...]'))
    .description('Finds whatever was changed since it was recorded; ends with 1 when it found something.')
    .option(
      '--anchor <file>',
      'seals that were kept elsewhere: the chains must still hold them',
      inCallerFolder,
    )
    .option('--write-anchor <file>', 'keeps the newest seals, unless something was found', inCallerFolder)
    .option('--json', 'the same for programs')
    .action(verify)
}

function inCallerFolder(path: string): string {
  return resolve(callerFolder(process.env), path)
}

async function storedIn(place: DataPlace, anchors: readonly Anchor[]): Promise<readonly StoredApp[]> {
  if (place.kind === 'database') return storesInDatabase(place.url, place.readsUrl)
  // What an anchor names and is not there was lost, also when nothing else is there.
  const folders = await (anchors.length === 0 ? appFoldersIn(place.data) : findAppFolders(place.data))
  return folders.map(({ app, folder }) => storesInFolder(app, folder))
}

/** Something that was found, and in which app. */
interface AppFinding extends Finding {
  readonly app: string
  readonly advice: string
}

async function verify(modules: readonly string[], options: VerifyOptions): Promise<void> {
  const { json, anchor, writeAnchor } = options
  const place = placeOfData(options)
  const anchors = anchor === undefined ? [] : await readAnchors(anchor)
  const { data } = place
  const apps = await storedIn(place, anchors)
  const definitions = await loadAll(modules)
  const findings: AppFinding[] = []
  const report = (app: string, finding: Finding): void => {
    const complete = { app, ...finding, advice: findingCodes[finding.code] }
    findings.push(complete)
    if (!json) print(lineOf(complete))
  }
  const verified: VerifiedApp[] = []
  for (const stored of apps) {
    // oxlint-disable-next-line no-await-in-loop -- one app after the other
    verified.push(await verifyOne(stored, { data, anchors, definitions, report }))
  }
  for (const missing of anchors.filter(({ app }) => !apps.some((stored) => stored.app === app))) {
    const what = 'the anchor names this app, whose store is not there'
    report(missing.app, { code: 'TAIL_CUT', log: missing.log, what })
  }
  const newest = verified.flatMap((app) => app.anchors)
  if (findings.length > 0) found()
  if (json) printJson({ data: nameOf(place), apps: verified.map(withoutAnchors), findings, anchors: newest })
  else for (const app of verified) print(linesOf(app).join('\n'))
  if (!json) print(findings.length === 0 ? 'Nothing was found.' : `${counted(findings.length, 'finding')}.`)
  if (writeAnchor !== undefined) await keepAnchors(writeAnchor, newest, findings.length)
}

interface Verification {
  readonly anchors: readonly Anchor[]
  /** The folder in which notes say where apps were loaded from. */
  readonly data: string
  /** The apps that the command line named. */
  readonly definitions: readonly App[]
  readonly report: (app: string, finding: Finding) => void
}

async function verifyOne(
  stored: StoredApp,
  { anchors, data, definitions, report }: Verification,
): Promise<VerifiedApp> {
  const { app } = stored
  const definition = definitions.find(({ name }) => name === app) ?? (await noted(join(data, app)))
  let shown: { readonly label: string; readonly progress: Progress } | undefined
  try {
    return await verifyApp({
      stored,
      definition,
      anchors,
      report: (finding) => report(app, finding),
      onProgress(work, done, total) {
        const label = `verify ${work}`
        if (shown?.label !== label) {
          shown?.progress[Symbol.dispose]()
          shown = { label, progress: openProgress({ label, total, unit: 'events' }) }
        }
        shown.progress.advanceTo(done, total)
      },
    })
  } finally {
    shown?.progress[Symbol.dispose]()
  }
}

async function loadAll(modules: readonly string[]): Promise<readonly App[]> {
  const folders = [process.cwd(), callerFolder(process.env)]
  return Promise.all(modules.map((module) => load(module, folders)))
}

// What hosts apps is loaded where there is one: it takes longer than all else that a start takes.
async function load(module: string, folders: readonly string[]): Promise<App> {
  const { loadApp } = await import('../host/index.ts')
  return loadApp(module, folders)
}

/** The app from the module that its server was started with; `undefined` when that is not there any more. */
async function noted(folder: string): Promise<App | undefined> {
  const module = await findAppNote(folder)
  if (module === undefined) return undefined
  try {
    return await load(module, [folder])
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault)
    process.stderr.write(`The app of ${folder} cannot be loaded, so only its logs are verified: ${reason}\n`)
    return undefined
  }
}

async function readAnchors(file: string): Promise<readonly Anchor[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable(file, 'cannot be read: make one with --write-anchor, and keep it elsewhere', cause)
  })
  const anchors = anchorsIn(parsed(text))
  if (anchors === undefined) throw unusable(file, 'holds no anchors: name one that --write-anchor has made')
  return anchors
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON has no anchors, which is said where they are looked for.
    return undefined
  }
}

function unusable(file: string, why: string, cause?: unknown): RampartError {
  return new RampartError('INPUT_INVALID', `The anchor file ${file} ${why}.`, { cause })
}

async function keepAnchors(file: string, anchors: readonly Anchor[], findings: number): Promise<void> {
  if (findings > 0) {
    process.stderr.write(`The anchor file ${file} was not written, because something was found.\n`)
    return
  }
  // An anchor that is there is replaced whole or not at all.
  try {
    await writeFile(`${file}.tmp`, `${JSON.stringify({ anchors }, null, 2)}\n`)
    await rename(`${file}.tmp`, file)
  } catch (cause) {
    await rm(`${file}.tmp`, { force: true }).catch(() => undefined)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw unusable(file, `cannot be written (${reason}): name one in a folder that can, with room`, cause)
  }
}

function lineOf({ app, code, log, position, event, what, advice }: AppFinding): string {
  const at = position === undefined ? '' : `  position ${position}`
  const where = `${app}  ${log}${at}${event === undefined ? '' : `  ${event}`}`
  return `${ink('red', code)}  ${where}  ${what}. ${advice[0]?.toUpperCase()}${advice.slice(1)}.`
}

function withoutAnchors({ anchors: _, ...rest }: VerifiedApp): object {
  return rest
}

function linesOf({ app, logs, projections, isWhole, leftOut, anchors }: VerifiedApp): readonly string[] {
  const lines = logs.map(({ log, events, seals, unsealed, states }) => {
    const newest = anchors.find((anchor) => anchor.log === log)
    const seal = newest === undefined ? 'no seal' : `${counted(seals, 'seal')}, the newest ${newest.digest}`
    const rest = unsealed === 0 ? '' : `, ${counted(unsealed, 'event')} not sealed yet`
    const stored = states === null ? '' : `, ${counted(states.compared, 'stored state')} compared`
    const others = states === null || states.others === 0 ? '' : `, ${states.others} of other versions not`
    return `  ${log}  ${counted(events, 'event')}, ${seal}${rest}${stored}${others}`
  })
  const models = projections.map(({ projection, result }) => `  ${projection}  ${textOf(result)}`)
  const unknown =
    '  read models and states were not compared: name the module of the app: rampart verify <module>'
  const others = leftOut.map((what) => `  ${what}`)
  return [ink('bold', app), ...lines, ...models, ...others, ...(isWhole ? [] : [unknown])]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

type Result = VerifiedApp['projections'][number]['result']

function textOf(result: Result): string {
  switch (result.status) {
    case 'absent':
    case 'gone':
      return result.status === 'absent' ? 'has no documents yet' : 'has no documents'
    case 'other version':
      return `was not compared: its documents are of version ${result.version}`
    case 'left out':
    case 'unfolded':
      return `was not compared: ${result.what}`
    case 'compared': {
      const { documents, position, differing, leftOut } = result
      const set = leftOut === 0 ? '' : `, ${leftOut} left out of which events were skipped meanwhile`
      return `${counted(documents, 'document')} compared at position ${position}, ${differing} differ${set}`
    }
  }
}
