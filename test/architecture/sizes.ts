// How big things may be: files, functions, lines, parameter lists, type parameter lists and nesting.
import {
  isTest,
  childrenOf,
  lineAt,
  nodeIn,
  nodesIn,
  walk,
  type SourceFile,
  type SyntaxNode,
} from './source.ts'
import type { Violation } from './source.ts'

const limits = {
  fileLines: 300,
  fileLinesWithReason: 500,
  functionLines: 40,
  functionLinesWithReason: 70,
  lineColumns: 110,
  parameters: 3,
  typeParameters: 5,
  nesting: 3,
}

// A reason stands in the header, so that a reader meets it before the file's length.
const headerLines = 12

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const signatureTypes = new Set([
  'TSDeclareFunction',
  'TSMethodSignature',
  'TSFunctionType',
  'TSEmptyBodyFunctionExpression',
])
const nestingTypes = new Set([
  'IfStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'SwitchStatement',
  'TryStatement',
])

/** Everything that is bigger than allowed. Tests are held to the length of lines and files only. */
export function checkSizes(file: SourceFile): readonly Violation[] {
  const data = dataLines(file)
  const always = [...checkLineLength(file, data), ...checkFileLength(file, data)]
  if (isTest(file.path)) return always
  const violations: Violation[] = []
  walk(file.root, (node, above) => {
    if (functionTypes.has(node.type)) violations.push(...checkFunctionLength(file, node, data))
    if (functionTypes.has(node.type) || signatureTypes.has(node.type))
      violations.push(...checkParameters(file, node))
    if (nestingTypes.has(node.type)) violations.push(...checkNesting(file, node, above))
    if (node.type === 'ExportNamedDeclaration') violations.push(...checkTypeParameters(file, node))
  })
  return [...always, ...violations]
}

function checkLineLength(file: SourceFile, data: ReadonlySet<number>): readonly Violation[] {
  return file.lines.flatMap((line, index) => {
    const tooLong = line.length > limits.lineColumns && !data.has(index + 1)
    return tooLong ? [`${file.path}:${index + 1} the line has ${line.length} columns`] : []
  })
}

function checkFileLength(file: SourceFile, data: ReadonlySet<number>): readonly Violation[] {
  const count = file.lines.length - (file.text.endsWith('\n') ? 1 : 0) - data.size
  const hasReason = file.lines.slice(0, headerLines).some((line) => /^\/\/ size: \S/.test(line))
  const max = hasReason || isTest(file.path) ? limits.fileLinesWithReason : limits.fileLines
  return count > max ? [`${file.path}:1 the file has ${count} lines`] : []
}

function checkFunctionLength(
  file: SourceFile,
  node: SyntaxNode,
  data: ReadonlySet<number>,
): readonly Violation[] {
  const first = lineAt(file, node.start)
  const last = lineAt(file, node.end)
  const exempt = [...data].filter((line) => line >= first && line <= last).length
  const count = last - first + 1 - exempt
  const max = hasLengthReason(file, first) ? limits.functionLinesWithReason : limits.functionLines
  return count > max ? [`${file.path}:${first} the function has ${count} lines`] : []
}

function hasLengthReason(file: SourceFile, firstLine: number): boolean {
  for (let index = firstLine - 2; index >= 0; index--) {
    const line = file.lines[index]?.trim() ?? ''
    if (!/^(\/\/|\/?\*)/.test(line)) return false
    if (/^\/\/ length: \S/.test(line)) return true
  }
  return false
}

function checkParameters(file: SourceFile, node: SyntaxNode): readonly Violation[] {
  const count = nodesIn(node, 'params').filter((parameter) => parameter['name'] !== 'this').length
  const line = lineAt(file, node.start)
  return count > limits.parameters ? [`${file.path}:${line} takes ${count} parameters`] : []
}

function checkNesting(
  file: SourceFile,
  node: SyntaxNode,
  above: readonly SyntaxNode[],
): readonly Violation[] {
  const insideFunction = above.slice(above.findLastIndex((one) => functionTypes.has(one.type)) + 1)
  const depth = [...insideFunction, node].filter((one, index, path) => {
    const parent = index === 0 ? undefined : path[index - 1]
    const isElseIf = parent?.type === 'IfStatement' && parent['alternate'] === one
    return nestingTypes.has(one.type) && !isElseIf
  }).length
  const line = lineAt(file, node.start)
  return depth > limits.nesting ? [`${file.path}:${line} is nested ${depth} deep`] : []
}

function checkTypeParameters(file: SourceFile, exported: SyntaxNode): readonly Violation[] {
  const violations: Violation[] = []
  const declaration = nodeIn(exported, 'declaration')
  if (declaration === undefined) return []
  walk(declaration, (node) => {
    const count = nodesIn(node, 'params').length
    if (node.type !== 'TSTypeParameterDeclaration' || count <= limits.typeParameters) return
    violations.push(`${file.path}:${lineAt(file, node.start)} has ${count} type parameters`)
  })
  return violations
}

// Lines within pure data and within text do not count: they are read as a table, not as code.
function dataLines(file: SourceFile): ReadonlySet<number> {
  const lines = new Set<number>()
  const visit = (node: SyntaxNode): void => {
    if (!isData(node)) return childrenOf(node).forEach(visit)
    const last = lineAt(file, node.end)
    for (let line = lineAt(file, node.start) + 1; line < last; line++) lines.add(line)
  }
  visit(file.root)
  return lines
}

function isData(node: SyntaxNode): boolean {
  switch (node.type) {
    case 'Literal':
      return true
    case 'TemplateLiteral':
      return nodesIn(node, 'expressions').length === 0
    case 'UnaryExpression':
      return childrenOf(node).every(isData)
    case 'ArrayExpression':
      return nodesIn(node, 'elements').every(isData)
    case 'ObjectExpression':
      return nodesIn(node, 'properties').every((property) => {
        const value = nodeIn(property, 'value')
        return property['computed'] === false && value !== undefined && isData(value)
      })
    default:
      return false
  }
}
