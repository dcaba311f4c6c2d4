// What a host is told by its environment: each setting checked, with a fault that says what to write instead.
import { resolve } from 'node:path'
import { RampartError } from '../core/index.ts'
import { defaultLimits, type Authentication, type GatewayLimits, type Role } from '../gateway/index.ts'
import { readAuthentication } from './authentication-settings.ts'
import { callerFolder } from './notes/index.ts'
import { readRoles, readStoreUrls, type StoreUrls } from './role-settings.ts'

/** Settings by name, as a process has them in its environment. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What a host must know beside its apps. */
export interface HostSettings {
  /** 0 means a free port. */
  readonly port: number
  /** A loopback address, unless there is authentication. */
  readonly host: string
  /** Absolute; each app has a folder of its own below. */
  readonly dataFolder: string
  /** A PostgreSQL database, by what each role reaches it with; files below the data folder when absent. */
  readonly storeUrls?: StoreUrls
  /** What this process does for its apps. */
  readonly roles: ReadonlySet<Role>
  /** What each app may ask of that server. */
  readonly storeLimits: { readonly statementMs: number; readonly readersMax: number }
  readonly limits: GatewayLimits
  /** What tokens are checked against; nobody is authenticated when absent. */
  readonly authentication?: Authentication
  /** How long the ids of refused and failed commands are kept. */
  readonly outcomeTtlMs: number
}

/** Reads all settings. Throws `SETTING_INVALID` for the first one that cannot be used. */
export function readSettings(environment: Environment): HostSettings {
  const number = numbersOf(environment)
  const authentication = readAuthentication(environment)
  const roles = readRoles(environment)
  const storeUrls = readStoreUrls(environment, roles)
  const ttl = { least: 1, most: 1_000_000_000, unit: 'in seconds' }
  return {
    port: number('PORT', 3000, { least: 0, most: 65_535, unit: '0 takes a free port' }),
    host: readHost(environment['HOST'], authentication !== undefined),
    ...(authentication === undefined ? {} : { authentication }),
    dataFolder: resolve(callerFolder(environment), setOr(environment['RAMPART_DATA'], 'data')),
    roles,
    ...(storeUrls === undefined ? {} : { storeUrls }),
    storeLimits: {
      statementMs: number('RAMPART_STORE_SECONDS', 30, { least: 1, most: 3600, unit: 'in seconds' }) * 1000,
      readersMax: number('RAMPART_STORE_READERS', 4, { least: 1, most: 100, unit: 'connections' }),
    },
    limits: readLimits(number),
    outcomeTtlMs: number('RAMPART_OUTCOME_TTL_SECONDS', 24 * 60 * 60, ttl) * 1000,
  }
}

type ReadNumber = (name: string, fallback: number, bounds: Bounds) => number

function numbersOf(environment: Environment): ReadNumber {
  return (name, fallback, bounds) => readNumber({ name, fallback, bounds }, environment[name])
}

function readLimits(number: ReadNumber): GatewayLimits {
  const off = { least: 0, most: 1_000_000_000, unit: '0 switches it off' }
  return {
    ...defaultLimits,
    bodyBytesMax: number('RAMPART_BODY_BYTES', defaultLimits.bodyBytesMax, off),
    ratePerSecond: number('RAMPART_RATE_PER_SECOND', defaultLimits.ratePerSecond, off),
    connectionsMax: number('RAMPART_CONNECTIONS', defaultLimits.connectionsMax, off),
    streamsMax: number('RAMPART_STREAMS', defaultLimits.streamsMax, {
      least: 0,
      most: 1_000_000,
      unit: 'event streams at once',
    }),
    headerBytesMax: number('RAMPART_HEADER_BYTES', defaultLimits.headerBytesMax, {
      least: 1024,
      most: 1024 * 1024,
      unit: 'in bytes',
    }),
    requestMs:
      number('RAMPART_REQUEST_SECONDS', defaultLimits.requestMs / 1000, {
        least: 1,
        most: 3600,
        unit: 'in seconds',
      }) * 1000,
  }
}

interface Bounds {
  readonly least: number
  readonly most: number
  readonly unit: string
}

interface NumberSetting {
  readonly name: string
  readonly fallback: number
  readonly bounds: Bounds
}

function readNumber({ name, fallback, bounds }: NumberSetting, text: string | undefined): number {
  if (text === undefined || text.trim() === '') return fallback
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (value >= bounds.least && value <= bounds.most) return value
  const range = `a whole number from ${bounds.least} to ${bounds.most}`
  const rule = `${range} (${bounds.unit}), or nothing for ${fallback}`
  throw new RampartError('SETTING_INVALID', `${name} is ${JSON.stringify(text)}. Set it to ${rule}.`)
}

function readHost(text: string | undefined, isAuthenticated: boolean): string {
  const host = setOr(text, '127.0.0.1')
  if (isAuthenticated) return host
  if (host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)) return host
  const message =
    `HOST is ${JSON.stringify(host)}, which other machines can reach, and nobody is authenticated here: ` +
    'whoever reached the port could send commands and read everything. Set HOST to 127.0.0.1, or turn ' +
    'authentication on with RAMPART_JWT_SECRET or RAMPART_JWKS_URL.'
  throw new RampartError('SETTING_INVALID', message)
}

function setOr(text: string | undefined, fallback: string): string {
  return text === undefined || text.trim() === '' ? fallback : text
}
