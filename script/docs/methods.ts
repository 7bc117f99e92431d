import { CONTROL_LIMITS, CONTROL_VERSION } from '../../src/protocols/control/limits.ts'
import { FRAME } from '../../src/protocols/control/frames.ts'
import { CHANGING } from '../../src/protocols/control/methods.ts'
import { generatedFrom, table } from './markdown.ts'
import type { ControlSchema } from './control-schema.ts'
import { fieldsTable, type JsonSchema, paramsTable, type Shapes, shapesWithFields, typeOf } from './json-schema.ts'
import { METHOD_PAGES, type MethodPage } from './method-pages.ts'

/** What an answer, or a line beside it, has. */
const told = (title: string, schema: JsonSchema, shapes: Shapes): string => {
  const { properties } = schema
  if (properties === undefined && schema.type !== 'object') return `${title}: ${typeOf(schema, shapes)}.`
  return properties === undefined ? `${title}: empty.` : fieldsTable(title.toLowerCase(), schema, shapes)
}

const section = ({ method, text, errors, params, result }: MethodPage, { properties, $defs }: ControlSchema): string => {
  const schemas = properties[method].properties
  const key = CHANGING.has(method) ? ' Takes an idempotency `key`.' : ''
  const request = { id: '1', method, payload: params, ...(CHANGING.has(method) && { key: `example-${method}` }) }
  const answer = { id: '1/answer', causation_id: '1', method, timestamp: 1_790_000_000_000, payload: result }
  const parts = [
    `## ${method}`,
    `${text}${key}`,
    paramsTable(schemas.params),
    told('Result', schemas.result, $defs),
    schemas.progress === undefined ? '' : told('Progress', schemas.progress, $defs),
    schemas.push === undefined ? '' : told('Lines that follow', schemas.push, $defs),
    errors.length === 0 ? '' : `Errors: ${errors.map((code) => `\`${code}\``).join(', ')}.`,
    `\`\`\`json\n${JSON.stringify(request)}\n${JSON.stringify(answer)}\n\`\`\``,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

const shape = ([name, schema]: readonly [string, JsonSchema], shapes: Shapes): string =>
  [`### ${name}`, schema.description ?? '', fieldsTable('field', schema, shapes)].filter((part) => part !== '').join('\n\n')

/** The reference page of the control protocol. */
export const methodsPage = (schema: ControlSchema): string => `${generatedFrom('src/protocols/control/ and script/docs/method-pages.ts')}

# Methods of the control socket

A running orchestrator listens at a Unix socket that only its user can open. What is said is one JSON object a line, of at most ${CONTROL_LIMITS.lineBytes} bytes. The first request of a connection is \`hello\`; this is version ${CONTROL_VERSION}. From programs, use \`signalbox/client\`:

\`\`\`ts
import { connect } from 'signalbox/client'

await using client = await connect(socketPath)
const { lane } = await client.call('lane.create', { name: 'docs' })
\`\`\`

A request has \`id\`, \`method\`, \`payload\` and, if wanted, \`key\`, \`correlation_id\` and \`timestamp\`. Its answer names the request in \`causation_id\` and has a \`payload\` or an \`error\`: \`code\` (\`VALIDATION_ERROR\`, \`METHOD_NOT_FOUND\`, \`HANDLER_ERROR\`, \`TIMEOUT\`, \`BACKPRESSURE\`), \`reason\` (a code of [the catalogue](errors.md)), \`message\`, \`context\`. Answers come as they are ready, up to ${CONTROL_LIMITS.requests} requests of a connection being carried out at once. What is no request is answered by a line with \`refused\`, and the connection ends: this one alone.

A call that changes something may carry a \`key\`. Repeated with the same key and payload, also after the orchestrator was restarted, it is not carried out again but answered as before; the newest ${CONTROL_LIMITS.keys} keys are remembered. A failure that is retryable is not remembered. Where the orchestrator died in the middle and it cannot be told how far it came, the answer is \`ERR_CONTROL_INTERRUPTED\`.

A client that leaves ${CONTROL_LIMITS.unreadBytes} bytes unread is read no further until it has read them, and cut off after ${CONTROL_LIMITS.unreadMs / 1_000} s.

Where a lane, run or terminal is named, its id, the beginning of one that no other has, or its name will do; of a terminal also \`LANE/NAME\`, of a run \`latest\`.

Tables of results name every field: one with \`?\` may be missing, and \`lanes[].name\` is the name of each lane. [Shapes](#shapes) that several methods share are below. As JSON Schemas all of it is in [methods.schema.json](methods.schema.json), a schema of an object of methods: \`#/properties/METHOD/properties/params\` is what a method takes, beside it \`result\` is what it answers, \`progress\` what it tells meanwhile in lines \`{"causation_id", "progress"}\`, and \`push\` the lines that follow its answer; shapes are in \`#/$defs\`. They are those of this version: results may get fields, and lose none, within version ${CONTROL_VERSION} of the protocol.

${METHOD_PAGES.map((page) => section(page, schema)).join('\n\n')}

## Frames

After the answer to \`terminal.attach\` the connection carries frames in both directions: a header of 16 bytes (big-endian: length of the body u32, type u8, channel u24, offset f64), then the body, of at most ${CONTROL_LIMITS.frameBytes} bytes. The channel is 0.

${table(
  ['type', 'name', 'to', 'offset', 'body'],
  [
    [String(FRAME.output), 'output', 'client', 'of its first byte in all output of the process', 'bytes'],
    [String(FRAME.gap), 'gap', 'client', 'first that is missing', 'f64: the first after the gap'],
    [String(FRAME.end), 'end', 'client', 'end of output', 'JSON: exitCode, signal, outputBytes …'],
    [String(FRAME.error), 'error', 'client', '', 'JSON: an error as in an answer; the connection ends'],
    [String(FRAME.input), 'input', 'orchestrator', 'of its first byte in all input of this attachment', 'bytes'],
    [String(FRAME.resize), 'resize', 'orchestrator', '', 'columns u16, rows u16'],
    [
      String(FRAME.screen),
      'screen',
      'client',
      'output goes on from here',
      'JSON: cols, rows, altScreen, title, complete, bytes (of all `drawn` that follow); or unavailable: why, then recent output follows',
    ],
    [String(FRAME.drawn), 'drawn', 'client', 'as of its screen', 'bytes to be written to a new terminal of that size'],
    [String(FRAME.ack), 'ack', 'both', 'output up to here is used; input up to here is with the kernel', ''],
  ],
)}

At most ${CONTROL_LIMITS.windowBytes} bytes of output are sent beyond what the client has acknowledged, and as many of input may wait. A client that acknowledges slowly meets gaps, or with \`screen\` is sent the screen again; neither the process nor other clients wait for it.

## Shapes

${shapesWithFields(schema.$defs)
  .map((entry) => shape(entry, schema.$defs))
  .join('\n\n')}
`
