// The gateway's entry: the HTTP edge of apps as a fetch handler, and the server that binds it to a port.
export { createGateway } from './gateway.ts'
export { defaultLimits } from './limits.ts'
export { serveGateway } from './node-server.ts'
export type { Gateway } from './gateway.ts'
export type { GatewayLimits } from './limits.ts'
export type { ListeningGateway } from './node-server.ts'
export type { ResourceRoute } from './resource-route.ts'
