import { join } from 'node:path'
import { createGenerator } from 'ts-json-schema-generator'
import type { ControlMethod } from '../../src/protocols/control/methods.ts'
import { paramsJsonSchema } from '../../src/protocols/control/methods.schema.ts'
import { ULID } from '../../src/protocols/id-factory.ts'
import { ID_PREFIXES, type IdKind } from '../../src/protocols/ids.ts'
import type { JsonSchema, Shapes } from './json-schema.ts'
import { METHOD_PAGES } from './method-pages.ts'

/** What a method takes, answers, tells meanwhile, and sends once it is answered. */
type Part = 'params' | 'result' | 'progress' | 'push'
type Parts = Readonly<Record<'params' | 'result', JsonSchema>> & Readonly<Partial<Record<Part, JsonSchema>>>

/** The JSON Schema of an object of methods: the form of the type ControlMethods. */
export type ControlSchema = Omit<JsonSchema, 'properties'> & {
  readonly properties: Readonly<Record<ControlMethod, Omit<JsonSchema, 'properties'> & { readonly properties: Parts }>>
  /** Shapes that are named in several places, by the names of their types. */
  readonly $defs: Shapes
}

/** Of the generator: draft 7, ids as texts of a generic type. */
type Made = { readonly properties: Readonly<Record<string, JsonSchema>>; readonly definitions: Shapes }

/** Types are checked elsewhere; a function in them could not be sent. */
const fromTypes = (root: string): Made =>
  createGenerator({
    path: join(root, 'src/protocols/control/methods.ts'),
    tsconfig: join(root, 'tsconfig.json'),
    skipTypeCheck: true,
    topRef: false,
    encodeRefs: false,
    sortProps: false,
    functions: 'fail',
  }).createSchema('ControlMethods') as Made

const ID = /^#\/definitions\/Id<"(\w+)">$/u

/** In the words of draft 2020-12, and ids with their form. */
const reworded = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reworded)
  if (typeof value !== 'object' || value === null) return value
  const { $ref, ...rest } = value as JsonSchema
  const others = Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, reworded(one)]))
  if ($ref === undefined) return others
  const kind = ID.exec($ref)?.[1]
  if (kind === undefined) return { $ref: $ref.replace('#/definitions/', '#/$defs/'), ...others }
  return { type: 'string', pattern: `^${ID_PREFIXES[kind as IdKind]}_${ULID.source.slice(1)}`, ...others }
}

/** The shapes that a schema names, and those that they name. */
const namedIn = (schema: unknown, all: Shapes, names = new Set<string>()): ReadonlySet<string> => {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(/"#\/\$defs\/(\w+)"/gu)) {
    if (names.has(name)) continue
    names.add(name)
    namedIn(all[name], all, names)
  }
  return names
}

const paramsOf = (method: ControlMethod): JsonSchema => {
  const { $schema: _, ...schema } = paramsJsonSchema(method) as { $schema?: string }
  return schema
}

/** JSON Schemas of all that is said in a call of each method; what comes back is closed: it has the fields named, and no other. */
export const controlSchema = (root: string): ControlSchema => {
  const { properties: made, definitions } = reworded(fromTypes(root)) as Made
  const methods = METHOD_PAGES.map(({ method, text }) => {
    const { params: _, ...told } = made[method]?.properties ?? {}
    if (told['result'] === undefined) throw new Error(`ControlMethods has no ${method}`)
    const parts = { params: paramsOf(method), ...told }
    const schema = { description: text, type: 'object', properties: parts, required: Object.keys(parts), additionalProperties: false }
    return [method, schema] as const
  })
  const properties = Object.fromEntries(methods) as unknown as ControlSchema['properties']
  const shapes = [...namedIn(properties, definitions)].sort().map((name) => [name, definitions[name]] as const)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:signalbox:control:1',
    title: 'Methods of the control socket',
    description:
      'Of each method what it takes (params), answers (result), tells meanwhile (progress) and sends once it is answered (push).',
    type: 'object',
    properties,
    additionalProperties: false,
    $defs: Object.fromEntries(shapes) as Shapes,
  }
}
