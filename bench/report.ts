// What the benchmarks print: the machine, and tables of figures beside what is demanded of them, as text or
// as JSON.
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type as osType } from 'node:os'
import { DatabaseSync } from 'node:sqlite'

/** What a benchmark runs with. */
export interface Bench {
  readonly report: Report
  readonly rounds: number
  /** The share of the full size; the floors are meant for 1. */
  readonly scale: number
}

/** Where benchmarks put their figures. */
export interface Report {
  /** The first row is the head; the first cell of each row says what the row is about. */
  readonly table: (title: string, rows: readonly (readonly Cell[])[]) => void
  /** A sentence on how the figures after it are to be read. */
  readonly note: (text: string) => void
  /** Prints what was collected, where nothing was printed before. */
  readonly end: () => void
}

/** A number with its unit, and what is demanded of it. */
export interface Figure {
  readonly value: number
  readonly unit: '/s' | 'ms' | 'µs' | 's' | '×' | 'MB'
  readonly demand?: Demand
}

/** What a figure is held to: a floor to reach or a ceiling to stay below, and the goal beyond it. */
export type Demand =
  | { readonly atLeast: number; readonly goal?: number }
  | { readonly below: number; readonly goal?: number }

export type Cell = string | Figure

/** Prints tables as they come. */
export function createTextReport(): Report {
  return {
    table: (title, rows) => printTable(title, rows),
    note: (text) => console.log(text),
    end: () => undefined,
  }
}

/** Collects tables and prints them as one JSON value. */
export function createJsonReport(): Report {
  const notes: string[] = []
  const tables: unknown[] = []
  return {
    table: (title, [head = [], ...rows]) =>
      void tables.push({ title, rows: rows.map((row) => jsonRow(head, row)) }),
    note: (text) => void notes.push(text),
    end: () => console.log(JSON.stringify({ machine: machine(), notes, tables }, null, 2)),
  }
}

/** Which machine and versions the figures belong to. */
export function machine() {
  const database = new DatabaseSync(':memory:')
  const sqlite = database.prepare('SELECT sqlite_version() AS version').get()
  database.close()
  return {
    cpu: cpuModel(),
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${osType()} ${release()}`,
    node: process.version,
    sqlite: String(sqlite?.['version']),
  }
}

/** The same for people. */
export function machineText(): string {
  const { cpu, cores, memoryGib, kernel, node, sqlite } = machine()
  return `${cores} × ${cpu}, ${memoryGib} GiB, ${kernel}\nNode ${node}, SQLite ${sqlite}`
}

// Where Node knows no model, the kernel may.
function cpuModel(): string {
  const model = cpus()[0]?.model.trim() ?? ''
  if (model !== '' && model !== 'unknown') return model
  try {
    const [, found] = /^model name\s*: (.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? []
    return found ?? process.arch
  } catch {
    return process.arch
  }
}

/** Operations per second. */
export function rate(perSecond: number): Figure {
  return { value: perSecond, unit: '/s' }
}

/** A time, and what is demanded of it. */
export function milliseconds(value: number, demand?: Demand): Figure {
  return figure(value, 'ms', demand)
}

/** Processor time of one operation. */
export function microseconds(value: number): Figure {
  return figure(value, 'µs')
}

/** A ratio, and what is demanded of it. */
export function times(value: number, demand?: Demand): Figure {
  return figure(value, '×', demand)
}

/** Any figure. */
export function figure(value: number, unit: Figure['unit'], demand?: Demand): Figure {
  return demand === undefined ? { value, unit } : { value, unit, demand }
}

/** Whether a figure is as demanded; true where nothing is. */
export function isMet({ value, demand }: Figure): boolean {
  if (demand === undefined) return true
  return 'atLeast' in demand ? value >= demand.atLeast : value < demand.below
}

function jsonRow(head: readonly Cell[], row: readonly Cell[]): Record<string, unknown> {
  return Object.fromEntries(row.map((cell, column) => [nameOf(head, column), jsonCell(cell)]))
}

function nameOf(head: readonly Cell[], column: number): string {
  const cell = head[column]
  return typeof cell === 'string' && cell !== '' ? cell : 'name'
}

function jsonCell(cell: Cell): unknown {
  if (typeof cell === 'string') return cell
  return cell.demand === undefined ? cell : { ...cell, met: isMet(cell) }
}

function printTable(title: string, rows: readonly (readonly Cell[])[]): void {
  const texts = rows.map((row) => row.map(textOf))
  const widths = (texts[0] ?? []).map((_, column) =>
    Math.max(...texts.map((row) => (row[column] ?? '').length)),
  )
  console.log(`\n### ${title}\n`)
  for (const [index, row] of texts.entries()) {
    console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    if (index === 0) console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  }
}

function textOf(cell: Cell): string {
  if (typeof cell === 'string') return cell
  if (Number.isNaN(cell.value)) return ''
  return `${valueText(cell)}${demandText(cell)}`
}

function valueText({ value, unit }: Figure): string {
  switch (unit) {
    case '/s':
      return value >= 1000 ? `${(value / 1000).toFixed(1)} k/s` : `${value.toFixed(0)} /s`
    case 'ms':
      return `${value.toFixed(value < 1 ? 3 : 2)} ms`
    case 'MB':
      return `${value.toFixed(0)} MB`
    case '×':
    case 's':
    case 'µs':
      return `${value.toFixed(2)} ${unit}`
  }
}

function demandText(cell: Figure): string {
  const { demand, unit } = cell
  if (demand === undefined) return ''
  const bound = 'atLeast' in demand ? `≥ ${demand.atLeast} ${unit}` : `< ${demand.below} ${unit}`
  const goal = demand.goal === undefined ? '' : `, goal ${demand.goal}`
  return ` (${bound} ${isMet(cell) ? 'met' : 'missed'}${goal})`
}
