// Compares what a page says is printed with what is printed; `…` stands for anything.
import type { Json } from 'rampart'

/** What is wrong with an answer that a page shows, or `undefined` when it is what was printed. */
export function differenceOf(language: string, shown: string, printed: string): string | undefined {
  if (language === 'json') return jsonDifference(shown, printed)
  if (language === 'http') return httpDifference(shown, printed)
  return patternOf(shown.trim()).test(printed.trim()) ? undefined : told(shown, printed)
}

function told(shown: string, printed: string): string {
  return `shown:\n${shown.trim()}\nprinted:\n${printed.trim()}`
}

/** A line of nothing but `…` stands for any lines, and within a line for any part of it. */
function patternOf(shown: string): RegExp {
  const lines = shown.split('\n').map((line) => {
    if (line.trim() === '…') return '(?:.*\\n)*?.*'
    return line.trimEnd().split('…').map(literally).join('.*')
  })
  return new RegExp(`^${lines.join('\\s*\\n')}$`)
}

function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function jsonDifference(shown: string, printed: string): string | undefined {
  const real = parsed(printed)
  if (real === undefined) return `no JSON is printed, but ${printed}`
  return isLike(readShown(shown), real) ? undefined : told(shown, JSON.stringify(real, null, 2))
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is told as it is.
    return undefined
  }
}

/** Reads JSON in which a bare `…` is any value, or all further members. */
function readShown(shown: string): Json {
  const members = shown.replaceAll(/([,{]\s*)…(?=\s*\})/g, '$1"…": "…"')
  return JSON.parse(members.replaceAll(/([:,[]\s*)…(?=\s*[,\]}\n])/g, '$1"…"'))
}

function isLike(shown: Json, real: Json | undefined): boolean {
  if (shown === '…') return real !== undefined
  if (typeof shown === 'string' && shown.includes('…'))
    return typeof real === 'string' && patternOf(shown).test(real)
  if (Array.isArray(shown)) return Array.isArray(real) && isListLike(shown, real)
  if (typeof shown === 'object' && shown !== null) return isObjectLike(shown as Members, real)
  return shown === real
}

type Members = { readonly [name: string]: Json }

function isListLike(shown: readonly Json[], real: readonly Json[]): boolean {
  const isOpen = shown.at(-1) === '…'
  const named = isOpen ? shown.slice(0, -1) : shown
  const isLong = isOpen ? real.length >= named.length : real.length === named.length
  return isLong && named.every((item, index) => isLike(item, real[index]))
}

function isObjectLike({ '…': rest, ...shown }: Members, real: Json | undefined): boolean {
  if (typeof real !== 'object' || real === null || Array.isArray(real)) return false
  const members = real as Members
  const isWhole = rest !== undefined || Object.keys(members).length === Object.keys(shown).length
  return isWhole && Object.entries(shown).every(([name, value]) => isLike(value, members[name]))
}

/** Compares the first line, the headers that are shown, and the body where one is shown. */
function httpDifference(shown: string, printed: string): string | undefined {
  const [shownHead = '', ...shownBody] = shown.trim().split('\n\n')
  const [head = '', ...body] = printed.replaceAll('\r', '').trim().split('\n\n')
  const real = head.split('\n')
  const missing = shownHead.split('\n').find((line) => !real.some((each) => patternOf(line).test(each)))
  if (missing !== undefined) return told(missing, head)
  if (shownBody.length === 0) return undefined
  const language = parsed(body.join('\n\n')) === undefined ? 'text' : 'json'
  return differenceOf(language, shownBody.join('\n\n'), body.join('\n\n'))
}
