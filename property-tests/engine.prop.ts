import { kernelMessages } from './kernel-messages.property.ts'
import { testProperty } from './run.ts'
import { supervisorCommands } from './supervisor-commands.property.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorRecover } from './supervisor-recover.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'
import { supervisorShutdown } from './supervisor-shutdown.property.ts'

export { kernelMessages, supervisorCommands, supervisorOtp, supervisorRecover, supervisorSafety, supervisorShutdown }
testProperty(kernelMessages)
testProperty(supervisorCommands)
testProperty(supervisorOtp)
testProperty(supervisorRecover)
testProperty(supervisorSafety)
testProperty(supervisorShutdown)
