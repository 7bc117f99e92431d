import fc from 'fast-check'
import { expect } from 'vitest'
import { parseRequest } from '../src/protocols/control/methods.schema.ts'
import { isSignalboxError } from '../src/protocols/errors.ts'
import { type Property, property } from '../src/testing/property.ts'
import { controlFrames, controlLines, controlNoise, controlSwitch } from './control-decoders.property.ts'
import { testProperty } from './run.ts'

const requests: Property<string> = property(
  'any line is a request or is refused, and nothing else is thrown [BUS-2]',
  fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({ id: fc.jsonValue(), method: fc.jsonValue(), payload: fc.jsonValue(), key: fc.jsonValue() })
      .map((value) => JSON.stringify(value)),
  ),
  (line) => {
    try {
      expect(typeof parseRequest(line).method).toBe('string')
    } catch (error) {
      if (!isSignalboxError(error, 'ERR_CONTROL_LINE_INVALID')) throw error
    }
  },
  { runs: 1_000 },
)

export { controlFrames, controlLines, controlNoise, controlSwitch, requests }
testProperty(controlLines)
testProperty(controlSwitch)
testProperty(controlFrames)
testProperty(controlNoise)
testProperty(requests)
