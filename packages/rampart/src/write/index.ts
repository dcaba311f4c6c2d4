// The write side: handles the commands of a bounded context on its log.
export { createCommandService } from './create-command-service.ts'
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
