import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ControlMethod } from '../../src/protocols/control/methods.ts'

/** What of a call a schema describes. */
export type CallPart = 'params' | 'result' | 'progress' | 'push'

/** @returns what is wrong with a value; empty: nothing. */
export type CallCheck = (method: ControlMethod, part: CallPart, value: unknown) => readonly string[]

/** Looks at values with a validator that is not ours. @returns what is wrong with one, by the part of the schema at a path of keys */
const checkBy = (schema: object): ((path: readonly string[], value: unknown) => readonly string[]) => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, formats: { base64: true } })
  ajv.addSchema(schema, 'all')
  return (path, value) => {
    const validate = ajv.getSchema(`all#/properties/${path.map(encodeURIComponent).join('/properties/')}`)
    if (validate === undefined) return [`there is no schema of ${path.join(' ')}`]
    if (validate(value) === true) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${path.join('.')}${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    )
  }
}

export const callCheck = (schema: object): CallCheck => {
  const check = checkBy(schema)
  return (method, part, value) => check([method, part], value)
}

const documented = (file: string): object =>
  JSON.parse(readFileSync(new URL(`../../docs/reference/${file}`, import.meta.url), 'utf8')) as object

/** By the schemas of docs/reference. */
export const documentedCalls = (): CallCheck => callCheck(documented('methods.schema.json'))

export const CLI_SCHEMA = documented('cli.schema.json') as {
  readonly properties: Readonly<Record<string, object>>
  readonly $defs: Readonly<Record<string, object>>
}
const checkDocument = checkBy(CLI_SCHEMA)

const isJson = (args: readonly string[]): boolean => args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json')

/** @returns what is wrong with the whole lines that a command printed, where it was called with `--json` */
export const printedWrong = (args: readonly string[], stdout: string): readonly string[] => {
  const lines = stdout.split('\n').slice(0, -1)
  if (!isJson(args) || lines.length === 0) return []
  const command = Object.keys(CLI_SCHEMA.properties).find((name) => name === args.slice(0, name.split(' ').length).join(' '))
  if (command === undefined) return [`there is no schema of what ${args.join(' ')} prints`]
  return lines.flatMap((line) => checkDocument([command], JSON.parse(line)))
}
