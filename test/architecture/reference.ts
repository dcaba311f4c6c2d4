// The reference for users beside what it is about: promises of ports, settings, commands of the command line.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProgram } from '../../packages/rampart/src/cli/program.ts'
import { readSettings } from '../../packages/rampart/src/host/settings.ts'
import { isTest, workspaceRoot, type SourceFile, type Violation } from './source.ts'

type Command = ReturnType<typeof createProgram>

/** The page of the reference that describes something, with the rows of its tables. */
export interface ReferencePage {
  readonly path: string
  readonly text: string
}

/** Reads a page of the reference. */
export function readReference(name: string): ReferencePage {
  const path = `docs/reference/${name}`
  return { path, text: readFileSync(join(workspaceRoot, path), 'utf8') }
}

/** The cells of all rows of a text's tables. */
export function rowsOf(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| '))
  return rows.map((line) => line.slice(2, -2).split(' | '))
}

/** Promises that the page of the ports tells otherwise, and those without a place among the guarantees. */
export function checkPromisesDescribed(
  sources: readonly SourceFile[],
  { ports, guarantees }: { readonly ports: ReferencePage; readonly guarantees: ReferencePage },
): readonly Violation[] {
  const promises = promisesOf(sources)
  const described = new Map(rowsOf(ports.text).map(([id = '', text = '']) => [id, text]))
  const guaranteed = new Set(
    Array.from(guarantees.text.matchAll(/([A-Z]{2})-(\d+)(?: … [A-Z]{2}-(\d+))?/g), numbersOf).flat(),
  )
  const unknown = [...guaranteed, ...described.keys()].filter((id) => isPromise(id) && !promises.has(id))
  return [
    ...Array.from(promises)
      .filter(([id, text]) => described.get(id) !== text)
      .map(([id, text]) => `${ports.path}:1 needs the row | ${id} | ${text} |`),
    ...Array.from(promises.keys())
      .filter((id) => !guaranteed.has(id))
      .map((id) => `${guarantees.path}:1 has no row for ${id}`),
    ...unknown.map((id) => `${ports.path}:1 or ${guarantees.path} tells of ${id}, which no port promises`),
  ]
}

function numbersOf([, port, first, last = first]: RegExpExecArray): readonly string[] {
  const count = Number(last) - Number(first) + 1
  return Array.from({ length: count }, (_, more) => `${port}-${Number(first) + more}`)
}

function isPromise(id: string): boolean {
  return /^[A-Z]{2}-\d+$/.test(id)
}

function promisesOf(sources: readonly SourceFile[]): ReadonlyMap<string, string> {
  const ports = sources.filter(({ path }) => path.startsWith('packages/rampart/src/core/ports/'))
  const headers = ports.map(({ text }) => text.split('\nimport', 1)[0] ?? '')
  const found = headers.flatMap((text) => [
    ...text.matchAll(/^\/\/ ([A-Z]{2}-\d+) +(.*(?:\n\/\/ {3,}.*)*)/gm),
  ])
  return new Map(found.map(([, id = '', text = '']) => [id, text.replaceAll(/\n\/\/ +/g, ' ')]))
}

/** Settings that are read and not described, and described ones with other bounds or that nobody reads. */
export function checkSettings(sources: readonly SourceFile[], page: ReferencePage): readonly Violation[] {
  const rows = new Map(rowsOf(page.text).map(([name = '', ...cells]) => [name.replaceAll('`', ''), cells]))
  const product = sources.filter((file) => /^(packages|apps)\//.test(file.path) && !isTest(file.path))
  const read = new Set(
    product.flatMap(({ text }) => Array.from(text.matchAll(settingPattern), ([, name = '']) => name)),
  )
  const described = new Set([...rows.keys()].filter((name) => /^[A-Z][A-Z_]+$/.test(name)))
  return [
    ...Array.from(read.difference(described), (name) => `${page.path}:1 has no row for ${name}`),
    ...Array.from(
      described.difference(read),
      (name) => `${page.path}:1 describes ${name}, which nobody reads`,
    ),
    ...Array.from(rows).flatMap(([name, [fallback = '', bounds = '']]) =>
      boundsFault(page, { name, fallback, bounds }),
    ),
  ]
}

const settingPattern = /'(RAMPART_[A-Z_]+|PORT|HOST|INIT_CWD)'/g

interface Row {
  readonly name: string
  readonly fallback: string
  readonly bounds: string
}

function boundsFault({ path }: ReferencePage, { name, fallback, bounds }: Row): readonly Violation[] {
  if (!/^\d+ to \d+$/.test(bounds)) return []
  const told = faultOf(() => readSettings({ [name]: 'nonsense' }))
  const isTold = told.includes(`from ${bounds} (`) && told.endsWith(`or nothing for ${fallback}.`)
  return isTold ? [] : [`${path}:1 has other bounds for ${name} than the host: ${told}`]
}

function faultOf(action: () => unknown): string {
  try {
    action()
    return 'it takes anything'
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault)
  }
}

/** Commands without a section or with other options in it, and sections of commands that are not there. */
export function checkCommands({ path, text }: ReferencePage): readonly Violation[] {
  const sections = text.split('\n## ').slice(1)
  const described = new Map(sections.map((section) => [/^`([^`]+)`/.exec(section)?.[1] ?? section, section]))
  const real = new Map(commandsOf(createProgram()).map((command) => [usageOf(command), command]))
  const unknown = [...described.keys()].filter((usage) => !real.has(usage))
  return [
    ...unknown.map((usage) => `${path}:1 describes ${usage}, which is no command`),
    ...Array.from(real).flatMap(([usage, command]) => {
      const section = described.get(usage)
      if (section === undefined) return [`${path}:1 needs a section ## \`${usage}\``]
      const told = rowsOf(section).map(([option = '']) => option.replaceAll('`', ''))
      const flags = new Set(command.options.map((option) => option.flags))
      const difference = flags.symmetricDifference(new Set(told.filter((option) => option.startsWith('-'))))
      return Array.from(difference, (flag) => `${path}:1 and the code differ in ${flag} of ${usage}`)
    }),
  ]
}

function commandsOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(commandsOf)
}

function usageOf(command: Command): string {
  const names: string[] = []
  for (let each: Command | null = command; each !== null; each = each.parent) names.unshift(each.name())
  const named = command.registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  )
  return [...names, ...named].join(' ')
}
