// The host's entry: what apps are defined with and what runs them.
export { app } from './app.ts'
export type { App, StartedApp } from './app.ts'
export type { CommandReply, CommandRoute, ReadRoute, ResourceRoute } from '../gateway/resource-route.ts'
