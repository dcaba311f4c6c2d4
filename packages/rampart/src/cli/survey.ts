// Gathers what the files of a data folder, their locks and the servers that hold them tell.
import { existsSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { isRampartError, type Runtime } from '../core/index.ts'
import { findRunNote } from '../host/notes/index.ts'
import {
  inspectReadStore,
  inspectStore,
  isStoreHeld,
  recordedAfter,
  type InspectedReadStore,
  type InspectedStore,
} from '../sqlite/index.ts'
import { appFoldersIn, type AppFolder } from './data-folder.ts'
import { askHealth, type Health } from './health.ts'
import { surveyedLog, type SurveyedLog } from './surveyed-log.ts'

/** Everything that is known about a data folder at one time. */
export interface Survey {
  readonly data: string
  readonly atMs: number
  /** Room on the disk of the folder. */
  readonly disk: { readonly freeBytes: number; readonly bytes: number }
  readonly apps: readonly SurveyedApp[]
}

/** What is known about an app. */
export interface SurveyedApp {
  readonly app: string
  readonly folder: string
  readonly server: SurveyedServer
  /** Absent when its file cannot be read. */
  readonly writeStore?: InspectedStore
  /** Absent, too, when there is none. */
  readonly readStore?: InspectedReadStore
  /** Whether there is no file of read models, which is no fault while nothing runs. */
  readonly lacksReads: boolean
  readonly logs: readonly SurveyedLog[]
  /** Why a file could not be read. */
  readonly faults: readonly string[]
  /** What this user may not read and write. */
  readonly forbidden: readonly string[]
}

/** What an absent file of read models means. */
export const lacksReadsText = 'No read models are stored: the next start builds them again from the log.'

/**
 * Who has the stores open. `embedded` is a process that is no server; `died` one that left its note behind,
 * `unlocked` one that goes on although it does not hold the lock any more.
 */
export interface SurveyedServer {
  readonly state: 'serving' | 'silent' | 'embedded' | 'stopped' | 'died' | 'unlocked'
  readonly pid: number | null
  readonly url: string | null
  readonly health: Health | null
}

/** Looks at all apps of a data folder. */
export async function survey(data: string, runtime: Runtime): Promise<Survey> {
  const folders = await appFoldersIn(data)
  const { bavail, blocks, bsize } = await statfs(data)
  const disk = { freeBytes: bavail * bsize, bytes: blocks * bsize }
  const apps = await Promise.all(folders.map((folder) => surveyApp(folder, runtime)))
  return { data, atMs: runtime.nowMs(), disk, apps }
}

async function surveyApp(folder: AppFolder, runtime: Runtime): Promise<SurveyedApp> {
  const faults: string[] = []
  const tried = <T>(look: () => T): T | undefined => {
    try {
      return look()
    } catch (fault) {
      if (!isRampartError(fault)) throw fault
      faults.push(fault.message)
      return undefined
    }
  }
  // The read store first: events that are recorded between the two looks would else be missing from the log.
  const lacksReads = !existsSync(folder.readFile)
  const readStore = lacksReads ? undefined : tried(() => inspectReadStore(folder.readFile))
  const writeStore = tried(() => inspectStore({ file: folder.writeFile, nowMs: runtime.nowMs() }))
  const server = await surveyServer(folder, tried)
  const logs = (writeStore?.logs ?? []).map((log) => {
    const stored = [...(readStore?.collections ?? []), ...(writeStore?.collections ?? [])]
    const builds = stored.filter((one) => one.log === log.log)
    const recorded = (position: number): number | null => recordedAfter(folder.writeFile, log.log, position)
    return surveyedLog({ log, builds, recorded, health: server.health, nowMs: runtime.nowMs() })
  })
  return {
    app: folder.app,
    folder: folder.folder,
    server,
    ...(writeStore === undefined ? {} : { writeStore }),
    ...(readStore === undefined ? {} : { readStore }),
    lacksReads,
    logs,
    faults,
    forbidden: await forbiddenAmong([
      folder.folder,
      folder.writeFile,
      ...(lacksReads ? [] : [folder.readFile]),
    ]),
  }
}

async function forbiddenAmong(paths: readonly string[]): Promise<readonly string[]> {
  const allowed = await Promise.all(
    paths.map((path) =>
      access(path, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return paths.filter((_, index) => !allowed[index])
}

async function surveyServer(
  { app, folder, writeFile }: AppFolder,
  tried: <T>(look: () => T) => T | undefined,
): Promise<SurveyedServer> {
  const isHeld = tried(() => isStoreHeld(writeFile)) ?? false
  const note = await findRunNote(folder)
  if (note === undefined)
    return { state: isHeld ? 'embedded' : 'stopped', pid: null, url: null, health: null }
  const { pid, url } = note
  const health = await askHealth(url, app)
  if (isHeld) return { state: health === null ? 'silent' : 'serving', pid, url, health }
  // Another process may listen there by now, or the drain may be over in between.
  const isLeft = (await findRunNote(folder))?.pid === pid
  const state = !isLeft ? 'stopped' : isAlive(pid) && health !== null ? 'unlocked' : 'died'
  return { state, pid, url, health }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (fault) {
    // A process of another user may not be signalled, and lives all the same.
    return fault instanceof Error && 'code' in fault && fault.code === 'EPERM'
  }
}
