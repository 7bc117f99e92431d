import * as z from 'zod'
import type { CommandLimits } from './limits.ts'
import { whole } from './plan-scalars.ts'

/** Below it not even a shell starts. */
const LEAST_BYTES = 1_048_576
const CPUS = 'must be a number of processors from 0.01 to 1024, or 0 for no limit'

/** What a limit may be: the same in a plan and in the configuration. */
export const limitValues: {
  readonly memoryBytes: z.ZodInt
  readonly cpus: z.ZodNumber
  readonly processes: z.ZodInt
  readonly ifMissing: z.ZodEnum<{ fail: 'fail'; run: 'run' }>
} = {
  memoryBytes: whole(0, 2 ** 50, 'bytes').refine((bytes) => bytes === 0 || bytes >= LEAST_BYTES, {
    error: `is too little for any program; use ${LEAST_BYTES} or more, or 0 for no limit`,
  }),
  cpus: z
    .number({ error: CPUS })
    .max(1_024, { error: CPUS })
    .refine((cpus) => cpus === 0 || cpus >= 0.01, { error: CPUS }),
  processes: whole(0, 4_194_304, 'processes'),
  ifMissing: z.enum(['fail', 'run'], { error: 'must be fail or run' }),
}

/** `limits` of a command. */
export const limitsSchema: z.ZodType<CommandLimits, unknown> = z
  .strictObject(
    {
      memoryBytes: limitValues.memoryBytes.default(0).describe('Most memory of all its processes together, in bytes. 0: no limit.'),
      cpus: limitValues.cpus.default(0).describe('Most processor time at once: 1 is one processor, 0.5 the half of one. 0: no limit.'),
      processes: limitValues.processes.default(0).describe('Most processes and threads at once. 0: no limit.'),
      ifMissing: limitValues.ifMissing
        .default('fail')
        .describe(
          'What becomes of it where a limit is not to be had: fail, it is not started; run, it runs without. `signalbox doctor` tells what is to be had.',
        ),
    },
    { error: 'must be a map such as { memoryBytes: 2000000000, cpus: 2 }' },
  )
  .prefault({})

export const LIMIT_KEYS: readonly string[] = Object.keys(limitValues)
