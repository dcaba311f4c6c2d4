// What a page of the documentation shows: its code blocks, in order, and what each of them is.
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of the whole workspace. */
export const workspaceRoot = join(import.meta.dirname, '../..')

/** One fenced block. */
export interface Block {
  /** Where it begins: `docs/guides/rebuild.md:12`. */
  readonly place: string
  /** Empty for a drawing. */
  readonly language: string
  readonly code: string
  /** Where a reader saves it, from the fence: ```` ```ts src/app.ts ````. Part of one program when absent. */
  readonly file: string | undefined
  /** Why it is not run, from the fence: ```` ```sh left-out="it takes an hour" ````. */
  readonly leftOut: string | undefined
  /** How a shell block ends, from the fence: ```` ```sh exits=1 ````; 0 unless said. */
  readonly exits: number
}

/** A page by its path in the workspace. */
export interface Page {
  readonly path: string
  readonly blocks: readonly Block[]
}

const languages = new Set(['ts', 'diff', 'sh', 'json', 'http', 'text'])

/** Every page that is written for people, in the order of their paths. */
export async function readPages(): Promise<readonly Page[]> {
  const paths: string[] = []
  for await (const path of glob('{*.md,docs/**/*.md}', { cwd: workspaceRoot })) paths.push(path)
  return Promise.all(
    paths.toSorted().map(async (path) => ({
      path,
      blocks: blocksOf(path, await readFile(join(workspaceRoot, path), 'utf8')),
    })),
  )
}

/** The blocks of a text. Throws for a fence that says what no reader of it understands. */
export function blocksOf(path: string, text: string): readonly Block[] {
  return Array.from(text.matchAll(/^```(.*)\n((?:.*\n)*?)```$/gm), ({ 1: fence = '', 2: code = '', index }) =>
    blockOf(`${path}:${text.slice(0, index).split('\n').length}`, fence, code),
  )
}

const fencePattern = /^(\w*)(?: (?!left-out|exits)(\S+))?(?: exits=(\d+))?(?: left-out="([^"]+)")?$/

function blockOf(place: string, fence: string, code: string): Block {
  const match = fencePattern.exec(fence)
  if (match === null) throw new Error(`${place} opens with a fence that nobody can read: ${fence}`)
  const [, language = '', file, exits = '0', reason] = match
  const leftOut = language === '' ? 'a drawing' : reason
  if (leftOut === undefined && !languages.has(language))
    throw new Error(`${place} is ${language}, which nobody runs. Use ${[...languages].join(', ')}.`)
  return { place, language, code, file, leftOut, exits: Number(exits) }
}

/**
 * The files that a reader has whenever commands follow, and at the end, by path. Blocks without a
 * file are one program, `shown.ts`, which is whole at the end only.
 */
export function statesOf({ blocks }: Page): readonly ReadonlyMap<string, string>[] {
  const files = new Map<string, string>()
  let program = ''
  let isChanged = false
  const states: Map<string, string>[] = []
  for (const block of blocks) {
    if (block.leftOut !== undefined) continue
    if (block.language === 'sh' && isChanged) {
      states.push(new Map(files))
      isChanged = false
    }
    if (block.file !== undefined) {
      files.set(block.file, contentOf(block, files.get(block.file) ?? ''))
      isChanged = true
    } else if (block.language === 'ts') program += `${block.code}\n`
  }
  const last = program === '' ? files : files.set(programName, program)
  return isChanged || program !== '' ? [...states, last] : states
}

/** What a file holds after a block that shows it whole, or what changes in it. */
export function contentOf({ place, language, code }: Block, before: string): string {
  if (language !== 'diff') return code
  const lines = code.trimEnd().split('\n')
  const side = (sign: string): string =>
    lines
      .filter((line) => line === '' || ' '.concat(sign).includes(line.charAt(0)))
      .map((line) => `${line.slice(1)}\n`)
      .join('')
  const parts = before.split(side('-'))
  if (parts.length === 2) return parts.join(side('+'))
  throw new Error(`${place} changes lines that stand ${parts.length - 1} times in the file.`)
}

/** What the blocks without a file are saved as. */
export const programName = 'shown.ts'
