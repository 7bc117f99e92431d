import { kernelMessages } from './kernel-messages.property.ts'
import { testProperty } from './run.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'

export { kernelMessages, supervisorOtp, supervisorSafety }
testProperty(kernelMessages)
testProperty(supervisorOtp)
testProperty(supervisorSafety)
