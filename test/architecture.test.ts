// Holds the shape of the whole workspace; each check is proved with planted violations in test/architecture.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkApps } from './architecture/apps.ts'
import { checkArrows } from './architecture/arrows.ts'
import {
  checkDocumented,
  checkIndexes,
  entryPoints,
  pageOfExports,
  publicNames,
} from './architecture/exports.ts'
import { checkPromises } from './architecture/promises.ts'
import {
  checkCommands,
  checkPromisesDescribed,
  checkSettings,
  readReference,
} from './architecture/reference.ts'
import { checkSizes } from './architecture/sizes.ts'
import { readWorkspace, workspaceRoot } from './architecture/source.ts'
import { checkDefaultExport, checkPath, checkRuntime, checkTexts } from './architecture/words.ts'

const sources = readWorkspace()
const library = 'packages/rampart'
const entries = entryPoints(
  library,
  JSON.parse(readFileSync(join(workspaceRoot, library, 'package.json'), 'utf8')),
)

describe('the workspace', () => {
  test('runs its tests on the pinned Node', () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    expect(major * 1000 + minor, `tests run on Node ${process.version}`).toBeGreaterThanOrEqual(24_021)
  })

  test('imports along the arrows only, through each index, and in no circle', () => {
    expect(checkArrows(sources)).toEqual([])
  })

  test('keeps apps on public entry points, and their read sides away from deciders', () => {
    expect(checkApps(sources, { entryPoints: [...entries.keys()] })).toEqual([])
  })

  test('keeps files, functions, lines, parameters and nesting within their limits', () => {
    expect(sources.flatMap(checkSizes)).toEqual([])
  })

  test('lists the exports of each folder by hand, and few of them', () => {
    expect(checkIndexes(sources)).toEqual([])
  })

  test('documents every public export', () => {
    expect(checkDocumented(sources, [...entries.values()])).toEqual([])
  })

  test('proves every promise of a port by a rule of the same number', () => {
    expect(checkPromises(sources)).toEqual([])
  })

  test('takes time, timers, ids and randomness from the runtime', () => {
    expect(sources.flatMap(checkRuntime)).toEqual([])
  })

  test('holds no unfinished work, no vague folder, no nameless export, no file without its role', () => {
    const checks = [checkTexts, checkPath, checkDefaultExport]
    expect(checks.flatMap((check) => sources.flatMap(check))).toEqual([])
  })
})

describe('the reference for users', () => {
  test('tells the promises of the ports word for word, and what each store makes of them', () => {
    const ports = readReference('ports.md')
    const guarantees = readReference('guarantees.md')
    expect(checkPromisesDescribed(sources, { ports, guarantees })).toEqual([])
  })

  test('describes every setting, with its bounds', () => {
    expect(checkSettings(sources, readReference('settings.md'))).toEqual([])
  })

  test('lists every public name', async () => {
    await expect(pageOfExports(sources, entries)).toMatchFileSnapshot('../docs/reference/names.md')
  })

  test('describes every command, with its options', () => {
    expect(checkCommands(readReference('commands.md'))).toEqual([])
  })
})

describe('the public names', () => {
  const existing = [...entries].filter(([, path]) => existsSync(join(workspaceRoot, path)))
  // A change of these lists is a promise to users: it needs `vitest run -u` and a line in the changelog.
  test.each(existing)('of %s stay as they are', async (entry, path) => {
    const names = publicNames(sources.find((file) => file.path === path))
    await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(
      `architecture/names/${entry.replace('/', '-')}.txt`,
    )
  })
})
