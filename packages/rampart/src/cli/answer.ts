// Reads the answers of a server member by member: they are unknown until each of them was looked at.
import { RampartError } from '../core/index.ts'

/** An object that a server answered. Its readers throw `INPUT_INVALID` for what is not of their form. */
export interface Answer {
  readonly value: Readonly<Record<string, unknown>>
  readonly has: (name: string) => boolean
  readonly text: (name: string) => string
  readonly number: (name: string) => number
  readonly flag: (name: string) => boolean
  readonly part: (name: string) => Answer
  readonly list: (name: string) => readonly Answer[]
  readonly texts: (name: string) => readonly string[]
  readonly numbers: (name: string) => readonly number[]
}

/** Reads what came from an address; `at` is where in the answer it stands. */
export function createAnswer(value: unknown, address: string, at = ''): Answer {
  if (!isObject(value)) throw foreign(address, at, 'no object')
  const read = <T>(name: string, is: (member: unknown) => member is T, kind: string): T => {
    const member = value[name]
    if (is(member)) return member
    throw foreign(address, `${at}/${name}`, `no ${kind}`)
  }
  const elements = <T>(name: string, is: (one: unknown) => one is T, kind: string): readonly T[] =>
    read(name, isArray, 'list').map((one, index) => {
      if (is(one)) return one
      throw foreign(address, `${at}/${name}/${index}`, `no ${kind}`)
    })
  return {
    value,
    has: (name) => value[name] !== undefined && value[name] !== null,
    text: (name) => read(name, isText, 'text'),
    number: (name) => read(name, isNumber, 'number'),
    flag: (name) => read(name, isFlag, 'true or false'),
    part: (name) => createAnswer(value[name], address, `${at}/${name}`),
    list: (name) =>
      read(name, isArray, 'list').map((one, index) => createAnswer(one, address, `${at}/${name}/${index}`)),
    texts: (name) => elements(name, isText, 'text'),
    numbers: (name) => elements(name, isNumber, 'number'),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'
const isArray = (value: unknown): value is readonly unknown[] => Array.isArray(value)

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function foreign(address: string, pointer: string, what: string): RampartError {
  const place = pointer === '' ? 'The answer' : `${pointer} in the answer`
  const message =
    `${place} of ${address} is ${what}: what runs there is no Rampart, or another version of it. ` +
    'Use the command line of the version that the server runs.'
  return new RampartError('INPUT_INVALID', message)
}
