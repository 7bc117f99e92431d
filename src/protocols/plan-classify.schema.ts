import * as z from 'zod'
import type { ExitAction, ExitClass, ExitRules, TextClass } from './plan.ts'
import { milliseconds, text, whole } from './plan-scalars.ts'

/** What a plan or command says about failures. */
export type ShapedRules =
  | {
      readonly decide?: { readonly [C in ExitClass]?: ExitAction | undefined } | undefined
      readonly texts?: { readonly [C in TextClass]?: readonly string[] | undefined } | undefined
      readonly usual?: boolean | undefined
      readonly wait?: { readonly [K in keyof ExitRules['wait']]?: number | undefined } | undefined
    }
  | undefined
const TEXT_RULE = 'must be a text of 3 to 200 characters'
const exitText = text(TEXT_RULE)
  .trim()
  .min(3, { error: TEXT_RULE })
  .max(200, { error: TEXT_RULE })
  .refine((line) => !/^\/.+\/[a-z]*$/.test(line), { error: 'is a regular expression; write a plain text, as it stands in a line' })
const exitTexts = (what: string) =>
  z
    .array(exitText, { error: 'must be a list of texts' })
    .max(100, { error: 'has more than 100 texts; keep the telling ones' })
    .optional()
    .describe(what)
const action = (fallback: string) =>
  z
    .enum(['restart', 'wait', 'stop'], { error: 'must be restart, wait or stop' })
    .optional()
    .describe(`restart, wait or stop. Default: ${fallback}.`)

/** What a plan or command says about failures. Without defaults: what a command leaves out is taken from the plan. */
export const classifySchema: z.ZodType<ShapedRules> = z
  .strictObject(
    {
      decide: z
        .strictObject(
          {
            notExecutable: action('stop'),
            authentication: action('stop'),
            rateLimited: action('wait'),
            memory: action('restart'),
            signal: action('restart'),
            failure: action('restart'),
          },
          { error: 'must be a map such as { authentication: restart }' },
        )
        .optional()
        .describe('What is done about each kind of failure, where the restart type restarts at all.'),
      texts: z
        .strictObject(
          {
            authentication: exitTexts('Mean that it failed to authenticate.'),
            rateLimited: exitTexts('Mean that it was told to come back later.'),
            memory: exitTexts('Mean that it had no memory left.'),
          },
          { error: 'must be a map such as { rateLimited: [slow down] }' },
        )
        .optional()
        .describe('Texts looked for in the last lines of output: any part of a line, without regard to case.'),
      usual: z
        .boolean({ error: 'must be true or false' })
        .optional()
        .describe('Whether the texts of well-known programs are looked for too. Default: true.'),
      wait: z
        .strictObject(
          {
            minMs: milliseconds()
              .optional()
              .describe('First wait where the output does not say how long, in milliseconds; doubles. Default: 60000.'),
            maxMs: milliseconds().optional().describe('Longest wait, in milliseconds. Default: 3600000.'),
            times: whole(0, 1_000, 'waits').optional().describe('Waits in a row; one more fails the command. Default: 10.'),
          },
          { error: 'must be a map such as { minMs: 60000, times: 10 }' },
        )
        .optional()
        .describe('How long and how often is waited.'),
    },
    { error: 'must be a map such as { decide: { authentication: restart } }' },
  )
  .optional()
