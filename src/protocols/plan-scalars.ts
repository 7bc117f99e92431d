import * as z from 'zod'

const MAX_MS = 2_147_483_647

export const text = (rule: string): z.ZodString => z.string({ error: rule })
export const whole = (min: number, max: number, unit: string): z.ZodInt => {
  const rule = `must be a whole number of ${unit} from ${min} to ${max}`
  return z.int({ error: rule }).min(min, { error: rule }).max(max, { error: rule })
}
export const milliseconds = (min: number = 0): z.ZodInt => whole(min, MAX_MS, 'milliseconds')
