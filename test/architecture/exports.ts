// What the library shows: lists of exports, their size and form, and a comment on each.
import { posix } from 'node:path'
import { targetOf } from './arrows.ts'
import {
  lineAt,
  nameOf,
  nodeIn,
  nodesIn,
  type SourceFile,
  type SyntaxNode,
  type Violation,
} from './source.ts'

const indexPattern = /^packages\/rampart\/src\/(.+)\/index\.ts$/
const namesMax = { core: 40, elsewhere: 15 }

/** An index that is anything but an explicit list of a bounded number of names, values and types apart. */
export function checkIndexes(sources: readonly SourceFile[]): readonly Violation[] {
  return sources.flatMap((file) => {
    const folder = indexPattern.exec(file.path)?.[1]
    return folder === undefined ? [] : [...checkForm(file), ...checkCount(file, folder)]
  })
}

/** Every export that an entry point shows and that has no comment of its own. */
export function checkDocumented(
  sources: readonly SourceFile[],
  entryPaths: readonly string[],
): readonly Violation[] {
  const byPath = new Map(sources.map((file) => [file.path, file]))
  const undocumented = entryPaths.flatMap((path) =>
    exportedNames(byPath.get(path)).flatMap((name) => checkComment(byPath, path, name)),
  )
  return [...new Set(undocumented)]
}

/** The names that a file exports, sorted; `type ` stands before those that exist for the compiler only. */
export function publicNames(file: SourceFile | undefined): readonly string[] {
  return exportStatements(file)
    .flatMap((statement) => {
      const prefix = statement['exportKind'] === 'type' ? 'type ' : ''
      return namesIn(statement).map((name) => `${prefix}${name}`)
    })
    .toSorted()
}

function checkForm(file: SourceFile): readonly Violation[] {
  return nodesIn(file.root, 'body').flatMap((statement) => {
    const place = `${file.path}:${lineAt(file, statement.start)}`
    const isList = statement.type === 'ExportNamedDeclaration' && nodeIn(statement, 'source') !== undefined
    if (!isList) return [`${place} an index holds nothing but lists of the form export { name } from`]
    const mixes = nodesIn(statement, 'specifiers').some((one) => one['exportKind'] === 'type')
    return mixes ? [`${place} types have a list of their own: export type { Name } from`] : []
  })
}

function checkCount(file: SourceFile, folder: string): readonly Violation[] {
  const count = exportedNames(file).length
  const max = folder.split('/')[0] === 'core' ? namesMax.core : namesMax.elsewhere
  return count > max ? [`${file.path}:1 exports ${count} names; the limit is ${max}`] : []
}

function checkComment(
  byPath: ReadonlyMap<string, SourceFile>,
  path: string,
  name: string,
): readonly Violation[] {
  const found = findExport(byPath, path, name)
  if (found === undefined) return byPath.has(path) ? [`${path}:1 exports no ${name}`] : []
  const { file, local, declared } = found
  if (declared !== undefined && commentOf(file, declared) !== undefined) return []
  return [`${file.path}:${lineAt(file, declared?.start ?? 0)} the public export ${local} has no comment`]
}

/** The page of the reference that lists what each entry point exports, with what is said of it first. */
export function pageOfExports(sources: readonly SourceFile[], entries: ReadonlyMap<string, string>): string {
  const byPath = new Map(sources.map((file) => [file.path, file]))
  const sections = Array.from(entries, ([entry, path]) => {
    const rows = publicNames(byPath.get(path)).map((shown) => {
      const name = shown.replace(/^type /, '')
      const found = findExport(byPath, path, name)
      const comment = found?.declared === undefined ? undefined : commentOf(found.file, found.declared)
      return `| \`${name}\`${name === shown ? '' : ', a type'} | ${firstSentence(comment ?? '')} |`
    })
    return `## \`${entry}\`\n\n| name | what it is |\n|---|---|\n${rows.join('\n')}\n`
  })
  return `${introduction}\n${sections.join('\n')}`
}

const introduction = `# Names

What each entry point exports, with the first sentence of what its documentation says; an editor shows the rest. This
page is written by \`npx vitest run test/architecture.test.ts -u\`.
`

function firstSentence(comment: string): string {
  const text = comment
    .replaceAll(/^\*|\n \*/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return (/^.*?\.(?= |$)/.exec(text)?.[0] ?? text).replaceAll('|', '\\|')
}

interface FoundExport {
  readonly file: SourceFile
  readonly local: string
  /** Absent when the file declares no such name. */
  readonly declared: SyntaxNode | undefined
}

/** Where a name that a file exports is declared, through the lists that hand it on. */
function findExport(
  byPath: ReadonlyMap<string, SourceFile>,
  path: string,
  name: string,
): FoundExport | undefined {
  const file = byPath.get(path)
  const found = exportStatements(file).find((statement) => namesIn(statement).includes(name))
  if (file === undefined || found === undefined) return undefined
  const specifier = nodesIn(found, 'specifiers').find((one) => nameOf(nodeIn(one, 'exported')) === name)
  const local = nameOf(specifier && nodeIn(specifier, 'local')) ?? name
  const source = nameOf(nodeIn(found, 'source'))
  if (source !== undefined) return findExport(byPath, targetOf(path, source) ?? source, local)
  return { file, local, declared: specifier === undefined ? found : declarationOf(file, local) }
}

function declarationOf(file: SourceFile, name: string): SyntaxNode | undefined {
  return nodesIn(file.root, 'body').find((statement) => declaredNames(statement).includes(name))
}

/** The text of the comment that documents a statement. */
function commentOf(file: SourceFile, statement: SyntaxNode): string | undefined {
  const last = file.comments.findLast((comment) => comment.end <= statement.start)
  const text = String(last?.['value'])
  if (last === undefined || last.type !== 'Block' || !text.startsWith('*')) return undefined
  // Only a remark to the reader of the code may stand between a comment and what it documents.
  return file.text.slice(last.end, statement.start).trim() === '' ? text : undefined
}

function exportedNames(file: SourceFile | undefined): readonly string[] {
  return exportStatements(file).flatMap(namesIn)
}

function exportStatements(file: SourceFile | undefined): readonly SyntaxNode[] {
  return file === undefined
    ? []
    : nodesIn(file.root, 'body').filter((one) => one.type === 'ExportNamedDeclaration')
}

function namesIn(statement: SyntaxNode): readonly string[] {
  const declaration = nodeIn(statement, 'declaration')
  if (declaration !== undefined) return declaredNames(declaration)
  return nodesIn(statement, 'specifiers').flatMap((one) => nameOf(nodeIn(one, 'exported')) ?? [])
}

function declaredNames(declaration: SyntaxNode): readonly string[] {
  const holders =
    declaration.type === 'VariableDeclaration' ? nodesIn(declaration, 'declarations') : [declaration]
  return holders.flatMap((holder) => nameOf(nodeIn(holder, 'id')) ?? [])
}

/** The source file of each entry point of a package, by the name that an import uses. */
export function entryPoints(folder: string, manifest: unknown): ReadonlyMap<string, string> {
  const { name, exports } = manifest as { name: string; exports: Record<string, unknown> }
  const entries = Object.entries(exports).flatMap(([subpath, target]) => {
    const source = (target as { 'rampart-source'?: string })['rampart-source']
    return source === undefined ? [] : [[posix.join(name, subpath), posix.join(folder, source)] as const]
  })
  return new Map(entries)
}
