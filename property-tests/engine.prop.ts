import type { Property } from '../src/testing/property.ts'
import { actorLives } from './actor-lives.property.ts'
import { askDeadlines } from './ask-deadlines.property.ts'
import { crashStorm } from './crash-storm.property.ts'
import { kernelIntrospection } from './kernel-introspection.property.ts'
import { kernelMessages } from './kernel-messages.property.ts'
import { testProperty } from './run.ts'
import { suspension } from './suspension.property.ts'
import { supervisorCommands } from './supervisor-commands.property.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorRecover } from './supervisor-recover.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'
import { supervisorShutdown } from './supervisor-shutdown.property.ts'

export {
  actorLives,
  askDeadlines,
  crashStorm,
  kernelIntrospection,
  kernelMessages,
  supervisorCommands,
  supervisorOtp,
  supervisorRecover,
  supervisorSafety,
  supervisorShutdown,
  suspension,
}
const all = [
  askDeadlines,
  kernelIntrospection,
  kernelMessages,
  actorLives,
  supervisorCommands,
  supervisorOtp,
  supervisorRecover,
  supervisorSafety,
  supervisorShutdown,
  suspension,
].flat() as readonly Property[]
for (const one of all) testProperty(one)
