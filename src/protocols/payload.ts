import { MAX_PAYLOAD_BYTES } from './bus.ts'
import { SignalboxError } from './errors.ts'

/** @param json the payload as it is sent or stored @throws ERR_BUS_PAYLOAD_TOO_LARGE (BUS-4) */
export const assertPayloadFits = (topic: string, json: string): void => {
  // A UTF-16 unit takes three bytes at most: what is short needs no counting.
  if (json.length * 3 <= MAX_PAYLOAD_BYTES) return
  const bytes = Buffer.byteLength(json)
  if (bytes <= MAX_PAYLOAD_BYTES) return
  throw new SignalboxError(
    'ERR_BUS_PAYLOAD_TOO_LARGE',
    `the payload of ${topic} has ${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} are sent`,
    {
      context: { topic, bytes, limit: MAX_PAYLOAD_BYTES },
    },
  )
}
