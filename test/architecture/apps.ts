// Walls around the apps: public entry points only, and a read side that never reaches a decider.
import { posix } from 'node:path'
import { targetOf } from './arrows.ts'
import type { SourceFile, Violation } from './source.ts'

/** What the checks of the apps need to know: the library's entry points by the name that an import uses. */
export interface AppRules {
  readonly entryPoints: readonly string[]
}

/** Every import with which an app leaves its folder, and every way from its read side to a decider. */
export function checkApps(sources: readonly SourceFile[], rules: AppRules): readonly Violation[] {
  const apps = sources.filter((file) => file.path.startsWith('apps/'))
  const byPath = new Map(apps.map((file) => [file.path, file]))
  return [
    ...apps.flatMap((file) => checkReach(file, rules)),
    ...apps.filter(isReadSide).flatMap((file) => checkReadSide(file, byPath)),
  ]
}

// What starts programs for the tests of the whole workspace.
const programs = 'test/programs/'

function checkReach(file: SourceFile, { entryPoints }: AppRules): readonly Violation[] {
  const app = file.path.split('/').slice(0, 2).join('/')
  return file.imports.flatMap(({ specifier, line }) => {
    const target = targetOf(file.path, specifier)
    const isHelp = file.path.startsWith(`${app}/test/`) && target?.startsWith(programs) === true
    const leaves = target !== undefined && !target.startsWith(`${app}/`) && !isHelp
    const isPrivate = /^rampart(\/|$)/.test(specifier) && !entryPoints.includes(specifier)
    const isOtherApp = specifier.startsWith('@rampart/')
    if (!leaves && !isPrivate && !isOtherApp) return []
    return [`${file.path}:${line} an app imports ${specifier}, which is no public entry point`]
  })
}

function checkReadSide(file: SourceFile, byPath: ReadonlyMap<string, SourceFile>): readonly Violation[] {
  const seen = new Set<string>()
  const trails: string[][] = [[file.path]]
  for (let trail = trails.pop(); trail !== undefined; trail = trails.pop()) {
    const here = byPath.get(trail.at(-1) ?? '')
    if (here === undefined || seen.has(here.path)) continue
    seen.add(here.path)
    if (isDecider(here)) return [`${file.path}:1 a read side reaches a decider: ${trail.join(' -> ')}`]
    for (const { specifier } of here.imports) {
      const target = targetOf(here.path, specifier)
      if (target !== undefined) trails.push([...trail, target])
    }
  }
  return []
}

function isReadSide(file: SourceFile): boolean {
  return /^projections?\b.*(?<!\.test)\.ts$/.test(posix.basename(file.path)) || defines(file, 'projection')
}

function isDecider(file: SourceFile): boolean {
  return (
    /^deciders?\b.*\.ts$/.test(posix.basename(file.path)) ||
    defines(file, 'decider') ||
    defines(file, 'decision')
  )
}

function defines(file: SourceFile, what: string): boolean {
  return file.imports.some((one) => one.specifier === 'rampart' && !one.isType && one.names.includes(what))
}
