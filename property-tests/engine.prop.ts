import { askDeadlines } from './ask-deadlines.property.ts'
import { kernelIntrospection } from './kernel-introspection.property.ts'
import { kernelMessages } from './kernel-messages.property.ts'
import { testProperty } from './run.ts'
import { supervisorCommands } from './supervisor-commands.property.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'
import { supervisorShutdown } from './supervisor-shutdown.property.ts'

export { askDeadlines, kernelIntrospection, kernelMessages, supervisorCommands, supervisorOtp, supervisorSafety, supervisorShutdown }
testProperty(askDeadlines)
testProperty(kernelMessages)
testProperty(kernelIntrospection)
testProperty(supervisorCommands)
testProperty(supervisorOtp)
testProperty(supervisorSafety)
testProperty(supervisorShutdown)
