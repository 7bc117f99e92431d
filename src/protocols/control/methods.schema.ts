import * as z from 'zod'
import { SignalboxError } from '../errors.ts'
import { limitValues } from '../plan-limits.schema.ts'
import { WINDOW_SIZES } from './screen.ts'
import type { ControlMethod, ParamsOf } from './methods.ts'

const MAX_TEXT = 4_096
const MAX_BYTES = 700_000

const text = (what: string, max = MAX_TEXT): z.ZodString => z.string().min(1).max(max).describe(what)
const whole = (min: number, max: number, what: string): z.ZodInt => z.int().min(min).max(max).describe(what)
const lane = text('A lane: its id, the beginning of it, or its name.')
const run = text('A run: its id, the beginning of it, or `latest`.')
const terminal = text('A terminal: its id, the beginning of it, its name, or `LANE/NAME`.')
const actor = text('An actor: its name, the beginning of one that no other has, or the name of its lane or terminal.')
const cols = whole(1, 10_000, 'Columns.')
const rows = whole(1, 10_000, 'Rows.')
const env = z
  .record(z.string().max(MAX_TEXT), z.string().max(MAX_BYTES))
  .describe('Environment variables, added to those of the orchestrator.')
const name = text('A name: letters, digits, `.`, `_` and `-`.', 64)
const bytes = z.base64().max(MAX_BYTES).describe('Bytes as base64.')
const inputKey = text('Names the input: it is typed once into the present process, however often it is sent.', 128)
const nothing = z.strictObject({})

/** What each method takes. Strict: a key that is not known is refused. */
export const PARAMS: { readonly [M in ControlMethod]: z.ZodType<ParamsOf<M>> } = {
  hello: z.strictObject({
    protocols: z.array(z.int()).min(1).max(16).describe('Versions of the protocol that the client speaks.'),
    client: text('Who calls, for people.', 200).optional(),
  }),
  status: nothing,
  'tree.get': z.strictObject({
    name: actor.optional().describe('The actor whose part of the tree is wanted. Default: the root.'),
    depth: whole(0, 1_000, 'Levels below it. Default: all.').optional(),
  }),
  'actor.info': z.strictObject({ name: actor }),
  'trace.start': z.strictObject({
    name: actor.optional().describe('One actor: each of its incarnations.'),
    type: text('Messages of this type only.').optional(),
    under: actor.optional().describe('A supervisor, and all below it.'),
    max: whole(1, 1_000_000, 'Events, after which it ends. Default: 1,000.').optional(),
    forMs: whole(1, 86_400_000, 'Time, after which it ends, in ms. Default: a day.').optional(),
  }),
  'actor.stop': z.strictObject({ name: actor }),
  'actor.restart': z.strictObject({ name: actor }),
  'actor.kill': z.strictObject({ name: actor }),
  'actor.suspend': z.strictObject({ name: actor }),
  'actor.resume': z.strictObject({ name: actor }),
  'dead-letters.retry': z.strictObject({ letter: whole(1, Number.MAX_SAFE_INTEGER, 'Its number.') }),
  'runs.start': z.strictObject({
    plan: z
      .union([z.string().max(MAX_BYTES), z.record(z.string(), z.unknown())])
      .describe('A plan: its text (YAML or JSON), or its form as an object.'),
    keep: z.enum(['never', 'failed', 'always']).optional().describe('Instead of what the plan says.'),
    parallel: whole(1, 1_000, 'Instead of what the plan says.').optional(),
  }),
  'runs.list': z.strictObject({ limit: whole(1, 10_000, 'The newest so many. Default: 100.').optional() }),
  'runs.get': z.strictObject({ run }),
  'runs.stop': z.strictObject({ run, kill: z.boolean().optional().describe('End processes without a grace.') }),
  'lane.create': z.strictObject({
    name,
    base: text('Commit that its branch starts from: a branch, tag or commit id. Default: HEAD.').optional(),
    env: env.optional(),
    copy: z.array(z.string().max(MAX_TEXT)).max(1_000).optional().describe('Files copied from the main working tree.'),
  }),
  'lane.list': z.strictObject({ all: z.boolean().optional().describe('Those too that have ended.') }),
  'lane.get': z.strictObject({ lane }),
  'lane.remove': z.strictObject({
    lane,
    save: z
      .boolean()
      .optional()
      .describe('Save all that it holds, work and branch, so that `lane.undo` brings it back. Default: work keeps it.'),
    ignored: z.boolean().optional().describe('Save ignored files too.'),
  }),
  'lane.removed': z.strictObject({}),
  'lane.undo': z.strictObject({ lane: text('A lane that was removed and saved: its id, the beginning of it, or its name.') }),
  'terminal.spawn': z.strictObject({
    lane,
    name: name.optional(),
    command: z
      .union([z.string().min(1).max(MAX_BYTES), z.array(z.string().max(MAX_BYTES)).min(1).max(10_000)])
      .optional()
      .describe("A text runs by `/bin/sh -c`, a list is a program and its arguments. Default: the user's shell."),
    env: env.optional(),
    restart: z.enum(['permanent', 'transient', 'temporary']).optional().describe('As of a command of a plan. Default: temporary.'),
    limits: z
      .strictObject({
        memoryBytes: limitValues.memoryBytes.optional().describe('Most memory of all its processes together, in bytes. 0: no limit.'),
        cpus: limitValues.cpus.optional().describe('Most processor time at once: 1 is one processor. 0: no limit.'),
        processes: limitValues.processes.optional().describe('Most processes and threads at once. 0: no limit.'),
        ifMissing: limitValues.ifMissing
          .optional()
          .describe('Where a limit is not to be had: fail, it is not started; run, it runs without.'),
      })
      .optional()
      .describe('As of a command of a plan. Default: those of the configuration.'),
    cols: cols.optional(),
    rows: rows.optional(),
  }),
  'terminal.list': z.strictObject({ lane: lane.optional(), all: z.boolean().optional().describe('Those too of lanes that have ended.') }),
  'terminal.get': z.strictObject({ terminal }),
  'terminal.health': z.strictObject({ terminal: terminal.optional(), lane: lane.optional() }),
  'terminal.send': z
    .strictObject({
      terminal,
      text: z.string().min(1).max(MAX_BYTES).optional().describe('Input as text.'),
      bytes: bytes.optional(),
      key: inputKey.optional(),
      paste: z.boolean().optional().describe('As a paste, in brackets where the program has asked for that. Default: false.'),
      enter: z.boolean().optional().describe('Enter after it, in one piece with it. Default: false.'),
      waitForPromptMs: whole(
        0,
        600_000,
        'First waits until the program reads from the terminal, so long at most, in ms. Default: does not wait.',
      ).optional(),
    })
    .refine((sent) => (sent.text === undefined) !== (sent.bytes === undefined), { error: 'give either text or bytes' }),
  'terminal.receipt': z.strictObject({ terminal, key: inputKey }),
  'terminal.resize': z.strictObject({ terminal, cols, rows }),
  'terminal.signal': z.strictObject({
    terminal,
    signal: z
      .string()
      .regex(/^SIG[A-Z0-9]{1,12}$/)
      .describe('Such as SIGINT.'),
  }),
  'terminal.kill': z.strictObject({
    terminal,
    graceMs: whole(0, 600_000, 'From SIGTERM to SIGKILL, in ms. Default: that of its command.').optional(),
  }),
  'terminal.respawn': z.strictObject({ terminal }),
  'terminal.logs': z.strictObject({
    terminal,
    tailBytes: whole(1, 524_288, 'The last so many bytes. Default: 65,536.').optional(),
    attempt: whole(1, 1_000_000_000, 'Default: the last.').optional(),
  }),
  'terminal.text': z.strictObject({
    terminal,
    since: whole(0, Number.MAX_SAFE_INTEGER, 'What was put out from this offset on, as an earlier answer gave it.').optional(),
    lastCommand: z.boolean().describe('What the last command put out, where the shell marks it (OSC 133). Not with `since`.').optional(),
    lines: whole(1, 10_000, 'The last so many lines. Default: 1,000.').optional(),
  }),
  'terminal.search': z.strictObject({
    terminal,
    pattern: text('What to find.', 1_000),
    regex: z.boolean().describe('It is a regular expression (of JavaScript). Default: text as it is.').optional(),
    ignoreCase: z.boolean().describe('Default: false.').optional(),
    limit: whole(1, 10_000, 'The newest so many lines. Default: 100.').optional(),
  }),
  'terminal.attach': z.strictObject({
    terminal,
    cols: cols.optional(),
    rows: rows.optional(),
    tailBytes: whole(0, 4_194_304, 'Recent output to begin with, in bytes. Default: 65,536.').optional(),
    screen: z
      .boolean()
      .describe('Begin with what is on the screen instead, and with it again where output came too fast. Default: false.')
      .optional(),
    windowSize: z
      .enum(WINDOW_SIZES)
      .describe(
        'Of several who are attached, whose size the terminal has: of the last who came or resized, the smallest, or its own. Default: as the one before said, or the configuration.',
      )
      .optional(),
  }),
  'events.subscribe': z.strictObject({
    topics: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(64)
      .optional()
      .describe('Topics such as `lane.created`, prefixes such as `lane.*`, or `*`. Default: all.'),
    since: whole(1, Number.MAX_SAFE_INTEGER, 'The first position wanted. Default: what happens from now on.').optional(),
    live: z.boolean().optional().describe('Whether events of live topics are wanted, too. Default: true.'),
  }),
  'events.unsubscribe': z.strictObject({ subscription: text('As events.subscribe answered.', 64) }),
  why: z.strictObject({
    subject: text('LANE, LANE/COMMAND, an id of a run, lane or terminal or the beginning of one, `latest`, or the name of an actor.'),
    run: text('The run meant: its id, the beginning of it, or `latest`. Default: the newest that has such a lane.').optional(),
  }),
  'dead-letters.list': nothing,
  doctor: nothing,
  'orchestrator.stop': z.strictObject({ mode: z.enum(['close']).optional().describe('close: everything that it runs ends with it.') }),
}

/** A request as it comes over the wire, its payload not looked at yet. */
const request = z.strictObject({
  id: z.string().min(1).max(64),
  method: z.string().min(1).max(128),
  payload: z.record(z.string(), z.unknown()).optional(),
  key: z.string().min(1).max(128).optional(),
  correlation_id: z
    .string()
    .regex(/^cor_[0-9A-HJKMNP-TV-Z]{26}$/)
    .optional(),
  causation_id: z.string().min(1).max(128).optional(),
  timestamp: z.number().optional(),
})

/** What a client says on a line. */
export type ControlRequest = {
  readonly id: string
  readonly method: string
  readonly payload?: Readonly<Record<string, unknown>> | undefined
  readonly key?: string | undefined
  readonly correlation_id?: string | undefined
  readonly causation_id?: string | undefined
  readonly timestamp?: number | undefined
}

/** @throws ERR_CONTROL_LINE_INVALID */
export const parseRequest = (line: string): ControlRequest => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new SignalboxError('ERR_CONTROL_LINE_INVALID', 'a line is not JSON; send one JSON object a line')
  }
  const parsed = request.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SignalboxError('ERR_CONTROL_LINE_INVALID', `a line is not a request: ${issueText(parsed.error)}`)
}

export const isMethod = (method: string): method is ControlMethod => Object.hasOwn(PARAMS, method)

/** @throws ERR_CONTROL_PAYLOAD_INVALID */
export const parseParams = <M extends ControlMethod>(method: M, payload: unknown): ParamsOf<M> => {
  const parsed = PARAMS[method].safeParse(payload ?? {})
  if (parsed.success) return parsed.data
  const text = `the payload of ${method} is not what it takes: ${issueText(parsed.error)}`
  throw new SignalboxError('ERR_CONTROL_PAYLOAD_INVALID', text, { context: { method } })
}

/** The first problem, with where it is. */
const issueText = ({ issues }: z.ZodError): string => {
  const [issue] = issues
  if (issue === undefined) return 'unknown'
  return issue.path.length === 0 ? issue.message : `${issue.path.map(String).join('.')}: ${issue.message}`
}

/** JSON Schema (draft 2020-12) of what a method takes. */
export const paramsJsonSchema = (method: ControlMethod): object => z.toJSONSchema(PARAMS[method], { io: 'input', target: 'draft-2020-12' })
