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
  const file = byPath.get(path)
  if (file === undefined) return []
  const found = exportStatements(file).find((statement) => namesIn(statement).includes(name))
  if (found === undefined) return [`${path}:1 exports no ${name}`]
  const specifier = nodesIn(found, 'specifiers').find((one) => nameOf(nodeIn(one, 'exported')) === name)
  const local = nameOf(specifier && nodeIn(specifier, 'local')) ?? name
  const source = nameOf(nodeIn(found, 'source'))
  if (source !== undefined) return checkComment(byPath, targetOf(path, source) ?? source, local)
  const declared = specifier === undefined ? found : declarationOf(file, local)
  if (declared !== undefined && hasComment(file, declared)) return []
  return [`${path}:${lineAt(file, declared?.start ?? 0)} the public export ${local} has no comment`]
}

function declarationOf(file: SourceFile, name: string): SyntaxNode | undefined {
  return nodesIn(file.root, 'body').find((statement) => declaredNames(statement).includes(name))
}

function hasComment(file: SourceFile, statement: SyntaxNode): boolean {
  const last = file.comments.findLast((comment) => comment.end <= statement.start)
  if (last === undefined || last.type !== 'Block' || !String(last['value']).startsWith('*')) return false
  // Only a remark to the reader of the code may stand between a comment and what it documents.
  return file.text.slice(last.end, statement.start).trim() === ''
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
