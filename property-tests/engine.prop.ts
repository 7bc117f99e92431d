import { describe } from 'vitest'
import { kernelMessages } from './kernel-messages.property.ts'
import { testProperty } from './run.ts'
import { supervisorOtp } from './supervisor-otp.property.ts'
import { supervisorSafety } from './supervisor-safety.property.ts'

describe('kernel', () => testProperty(kernelMessages))
describe('supervisor', () => {
  testProperty(supervisorOtp)
  testProperty(supervisorSafety)
})
