// Source files as the architecture checks see them: text, lines, syntax tree and imports.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'rolldown/utils'

/** The root folder of the workspace. */
export const workspaceRoot: string = fileURLToPath(new URL('../..', import.meta.url))

/** A node of the syntax tree, as far as the checks need to know it. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** One import, re-export, dynamic import, type import, or `new URL('./file.ts', import.meta.url)`. */
export interface Import {
  readonly specifier: string
  readonly line: number
  readonly names: readonly string[]
  readonly isType: boolean
}

/** A parsed file; `path` is relative to the workspace and uses slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly root: SyntaxNode
  readonly comments: readonly SyntaxNode[]
  readonly imports: readonly Import[]
}

/** A sentence of the form `path:line what is wrong`. */
export type Violation = string

const unreadFolders = new Set(['node_modules', 'dist', 'fixtures', 'data', 'coverage', 'peers'])

/** Parses a text as if it stood in a file of that path; throws on a syntax error. */
export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text)
  const fault = parsed.errors[0]
  if (fault !== undefined) throw new Error(`${path} does not parse: ${fault.message}`)
  // The parser's own types name every kind of node; the checks only look at the few fields they ask for.
  const root = parsed.program as unknown as SyntaxNode
  const comments = parsed.comments as unknown as readonly SyntaxNode[]
  return { path, text, lines: text.split('\n'), root, comments, imports: importsOf(text, root) }
}

/** All TypeScript and JavaScript files of the workspace that people write. */
export function readWorkspace(root: string = workspaceRoot): readonly SourceFile[] {
  const folders = ['packages', 'apps', 'bench', 'test', 'scripts']
  const paths = folders.flatMap((folder) => listFiles(root, folder))
  return paths
    .filter((path) => /\.(ts|tsx|js)$/.test(path))
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

/** Paths of all files below a folder, without what tools write. */
export function listFiles(root: string, folder: string): readonly string[] {
  let entries
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true })
  } catch {
    // A folder that is not there holds no files.
    return []
  }
  return entries.flatMap((entry) => {
    const path = posix.join(folder, entry.name)
    if (!entry.isDirectory()) return [path]
    return unreadFolders.has(entry.name) || entry.name.startsWith('.') ? [] : listFiles(root, path)
  })
}

/** Whether a file only serves tests. */
export function isTest(path: string): boolean {
  return /\.(test|test-d)\.ts$/.test(path) || /(^|\/)test\//.test(path)
}

/** The line of an offset, from 1. */
export function lineAt(file: { readonly text: string }, offset: number): number {
  let line = 1
  for (let at = file.text.indexOf('\n'); at !== -1 && at < offset; at = file.text.indexOf('\n', at + 1))
    line++
  return line
}

/** The nodes directly below a node. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node).flat().filter(isNode)
}

/** Calls back for a node and everything below it, with the nodes above, outermost first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, above: readonly SyntaxNode[]) => void,
  above: readonly SyntaxNode[] = [],
): void {
  visit(node, above)
  const below = [...above, node]
  for (const child of childrenOf(node)) walk(child, visit, below)
}

/** The field of a node that holds a node, if it does. */
export function nodeIn(node: SyntaxNode, field: string): SyntaxNode | undefined {
  const value = node[field]
  return isNode(value) ? value : undefined
}

/** The field of a node that holds a list of nodes; empty when there is none. */
export function nodesIn(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  const value = node[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The name of an identifier, or the value of a literal. */
export function nameOf(node: SyntaxNode | undefined): string | undefined {
  const name = node?.['name'] ?? node?.['value']
  return typeof name === 'string' ? name : undefined
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function importsOf(text: string, root: SyntaxNode): readonly Import[] {
  const found: Import[] = []
  walk(root, (node) => {
    const source = importSource(node)
    const specifier = nameOf(source)
    if (specifier === undefined) return
    const names = nodesIn(node, 'specifiers').map((one) => nameOf(nodeIn(one, 'imported')) ?? '*')
    const isType =
      node['importKind'] === 'type' || node['exportKind'] === 'type' || node.type === 'TSImportType'
    found.push({ specifier, line: lineAt({ text }, node.start), names, isType })
  })
  return found
}

// A worker is started from a URL, which ties two files together as an import does.
function importSource(node: SyntaxNode): SyntaxNode | undefined {
  if (node.type === 'NewExpression' && nameOf(nodeIn(node, 'callee')) === 'URL') {
    const [first] = nodesIn(node, 'arguments')
    return /^\.{1,2}\/.*\.[jt]s$/.test(nameOf(first) ?? '') ? first : undefined
  }
  const isImport = /^(Import(Declaration|Expression)|Export(Named|All)Declaration|TSImportType)$/.test(
    node.type,
  )
  return isImport ? nodeIn(node, 'source') : undefined
}
