// Requests that no honest client sends: every method on every address, with headers and bodies of all kinds.

/** A request as its bytes, and a name for messages. */
export interface HostileRequest {
  readonly name: string
  readonly bytes: Buffer
}

const apps = ['/calculator', '/orders'] as const
const commandTypes = { '/calculator': 'CreateValue', '/orders': 'PlaceOrder' }
const projections = { '/calculator': 'values', '/orders': 'products' }
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'] as const

const oddSegments = [
  '%',
  '%zz',
  '%ff',
  '%00',
  '%0a',
  '%ed%a0%80',
  '..',
  '%2e%2e',
  '__proto__',
  'constructor',
  ':key',
  '*',
  '%252f',
  ';a=b',
  'x'.repeat(1100),
  encodeURIComponent('\u{1F9FE}'.repeat(300)),
] as const

const oddQueries = [
  'v=-1',
  'v=1.5',
  'v=9007199254740993',
  'v=',
  'v=1&v=2',
  'limit=0',
  'limit=-1',
  'limit=1e9',
  'limit=1e999',
  'limit=%00',
  'cursor=x',
  'cursor=%ff',
  'cursor=////',
  'after=-1',
  'after=99999999999999999999',
  'after=NaN',
  'search=%22',
  'search=%27%29%20OR%201%3D1--',
  'search=*',
  'search=NEAR(a%20b)',
  'search=%ed%a0%80',
  `search=${'a+'.repeat(4000)}`,
  '__proto__=1',
  'constructor[prototype]=1',
  'status=%00',
  '=',
  '&&&',
  '%',
  `a=${'x'.repeat(8000)}`,
] as const

const oddHeaders = [
  'Idempotency-Key: ',
  `Idempotency-Key: ${'k'.repeat(5000)}`,
  'Idempotency-Key: \u00ff\u00fe',
  'Prefer: wait=-1',
  'Prefer: wait=1e9',
  'Prefer: wait=0.5',
  'Prefer: wait=',
  `Prefer: ${'wait=0, '.repeat(500)}`,
  'If-Match: *',
  'If-Match: W/"1"',
  'If-Match: "-1"',
  'If-Match: "9007199254740993"',
  'If-Match: "1", "2"',
  'Consistency-Token: x',
  'Consistency-Token: e30',
  'Consistency-Token: eyJfX3Byb3RvX18iOnt9fQ',
  `Consistency-Token: ${'A'.repeat(9000)}`,
  'Content-Type: text/plain',
  'Content-Type: application/json; charset=utf-16',
  'Content-Type: ',
  'Content-Encoding: gzip',
  'Accept: text/event-stream\r\nLast-Event-ID: x',
  `Accept: text/event-stream\r\nLast-Event-ID: ${'A'.repeat(9000)}`,
  `Accept: ${'*/*,'.repeat(2000)}`,
  'X-Forwarded-For: 1.2.3.4\r\nX-HTTP-Method-Override: DELETE',
  'Authorization: Bearer ..',
  'Range: bytes=0-18446744073709551615',
  'If-None-Match: "\u00ff',
  'Expect: 100-continue',
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk',
  'Cookie: __proto__=1',
  `X: ${'x'.repeat(15_000)}`,
  `${'X: y\r\n'.repeat(1500)}Y: z`,
] as const

const lone = Buffer.from('7b2273747265616d4964223a22eda080227d', 'hex')

const oddBodies: readonly (string | Buffer)[] = [
  '',
  ' ',
  '\u0000',
  '{',
  '[]',
  'null',
  '"text"',
  '1e999',
  '{}',
  '{"data":null}',
  '{"data":[]}',
  '{"streamId":null,"data":{}}',
  '{"streamId":1}',
  '{"streamId":""}',
  '{"streamId":".."}',
  '{"streamId":"a\\u0000"}',
  '{"streamId":"\\ud800"}',
  lone,
  `{"streamId":"${'x'.repeat(1100)}"}`,
  '{"streamId":"x","data":{"__proto__":{"value":1}}}',
  '{"__proto__":{"streamId":"x"},"constructor":{}}',
  '{"streamId":"x","data":{"value":1e400}}',
  '{"streamId":"x","data":{"lines":[{"sku":"\\u0000","quantity":9007199254740993}]}}',
  `{"streamId":"x","data":{"lines":[${'{},'.repeat(3000)}{}]}}`,
  `{"data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  `{"data":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  `{"data":{"value":${'9'.repeat(100_000)}}}`,
  `{${Array.from({ length: 5000 }, (_, index) => `"k${index}":1`).join(',')}}`,
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
  Buffer.from('\ufeff{"streamId":"x"}'),
  'x'.repeat(1024 * 1024 + 1),
]

/** Requests whose framing is well-formed and whose content is not. */
export function* hostileRequests(): Generator<HostileRequest> {
  for (const method of methods) {
    for (const target of everyTarget()) yield request(`${method} ${target}`)
    for (const target of ['*', '/', '//', '/%', '/a/../..', '/?#', '/#', '/\\', `/${'a/'.repeat(3000)}`])
      yield request(`${method} ${target}`)
  }
  for (const target of everyTarget()) {
    for (const query of oddQueries) yield request(`GET ${target}?${query}`)
  }
  for (const app of apps) {
    const post = `POST ${app}/commands/${commandTypes[app]}`
    const reads = `GET ${app}/reads/${projections[app]}`
    for (const body of oddBodies) {
      yield request(post, [], body)
      yield request(`POST ${app}/commands/Nothing`, [], body)
    }
    for (const header of oddHeaders) {
      yield request(post, [header], '{"streamId":"..","data":{}}')
      yield request(reads, [header])
      yield request(`${reads}/x`, [header])
      yield request(`GET ${app}/commands/x`, [header])
    }
  }
  for (const body of oddBodies) {
    yield request('POST /calculator/values', [], body)
    yield request('PUT /calculator/values/7c0f2a40-0000-4000-8000-000000000000', [], body)
    yield request('GET /orders/reads/order', [], body)
  }
}

function* everyTarget(): Generator<string> {
  yield* ['/healthz', '/readyz', '/metrics', '/console', '/openapi.json', '/admin/events']
  for (const app of apps) {
    yield* [app, `${app}/`, `${app}/docs`, `${app}/openapi.json`, `${app}/admin/events`]
    yield* [`${app}/commands`, `${app}/commands/`, `${app}/commands/${commandTypes[app]}`]
    yield* [`${app}/reads`, `${app}/reads/`, `${app}/reads/${projections[app]}`, `${app}/reads/nothing`]
    for (const segment of oddSegments) {
      yield `${app}/reads/${projections[app]}/${segment}`
      yield `${app}/reads/${segment}`
      yield `${app}/commands/${segment}`
    }
  }
  for (const segment of oddSegments) yield `/calculator/values/${segment}`
}

function request(line: string, headers: readonly string[] = [], body?: string | Buffer): HostileRequest {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body)
  const has = (name: string): boolean => headers.some((header) => header.startsWith(name))
  const lines = [
    `${line} HTTP/1.1`,
    'Host: localhost',
    ...headers,
    ...(has('Upgrade') ? [] : ['Connection: close']),
    ...(body === undefined ? [] : [`Content-Length: ${bytes.length}`]),
    ...(body === undefined || has('Content-Type') ? [] : ['Content-Type: application/json']),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  const what = [line, ...headers].map((text) => text.slice(0, 80)).join(' | ')
  const carried = body === undefined ? '' : ` with ${String(body).slice(0, 40)}`
  return { name: `${what}${carried}`, bytes: Buffer.concat([head, bytes]) }
}
