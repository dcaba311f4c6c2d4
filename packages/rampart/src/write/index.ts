// The write side: handles the commands of a bounded context on its log.
export { createCommandService, defaultCommandLimits } from './create-command-service.ts'
export { defaultInboxLimits } from './inbox-worker.ts'
export type { CommandLimits, CommandServiceOptions } from './create-command-service.ts'
export type {
  CommandService,
  CommandStatus,
  FailedCommand,
  Feedback,
  FinalCommand,
  ReceivedCommand,
  RefusedCommand,
  SentCommand,
  SucceededCommand,
} from './command-service.ts'
