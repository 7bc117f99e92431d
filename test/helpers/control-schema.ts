import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ControlMethod } from '../../src/protocols/control/methods.ts'

/** What of a call a schema describes. */
export type CallPart = 'params' | 'result' | 'progress' | 'push'

/** @returns what is wrong with a value; empty: nothing. */
export type SchemaCheck = (method: ControlMethod, part: CallPart, value: unknown) => readonly string[]

/** Looks at what is said in calls with a validator that is not ours. */
export const schemaCheck = (schema: object): SchemaCheck => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, formats: { base64: true } })
  ajv.addSchema(schema, 'control')
  return (method, part, value) => {
    const validate = ajv.getSchema(`control#/properties/${method}/properties/${part}`)
    if (validate === undefined) return [`${method}: there is no schema of its ${part}`]
    if (validate(value) === true) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${method}.${part}${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
    )
  }
}

/** By the schemas of docs/reference. */
export const documentedCheck = (): SchemaCheck =>
  schemaCheck(JSON.parse(readFileSync(new URL('../../docs/reference/methods.schema.json', import.meta.url), 'utf8')) as object)
