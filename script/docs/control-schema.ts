import type { ControlMethod } from '../../src/protocols/control/methods.ts'
import { paramsJsonSchema } from '../../src/protocols/control/methods.schema.ts'
import type { JsonSchema, Shapes } from './json-schema.ts'
import { METHOD_PAGES } from './method-pages.ts'
import { DRAFT, schemaOfType, shapesIn } from './schema-of-types.ts'

/** What a method takes, answers, tells meanwhile, and sends once it is answered. */
type Part = 'params' | 'result' | 'progress' | 'push'
type Parts = Readonly<Record<'params' | 'result', JsonSchema>> & Readonly<Partial<Record<Part, JsonSchema>>>

/** The JSON Schema of an object of methods: the form of the type ControlMethods. */
export type ControlSchema = Omit<JsonSchema, 'properties'> & {
  readonly properties: Readonly<Record<ControlMethod, Omit<JsonSchema, 'properties'> & { readonly properties: Parts }>>
  /** Shapes that are named in several places, by the names of their types. */
  readonly $defs: Shapes
}

const paramsOf = (method: ControlMethod): JsonSchema => {
  const { $schema: _, ...schema } = paramsJsonSchema(method) as { $schema?: string }
  return schema
}

/** JSON Schemas of all that is said in a call of each method. */
export const controlSchema = (root: string): ControlSchema => {
  const { properties: made, $defs } = schemaOfType(root, 'src/protocols/control/methods.ts', 'ControlMethods')
  const methods = METHOD_PAGES.map(({ method, text }) => {
    const { params: _, ...told } = made[method]?.properties ?? {}
    if (told['result'] === undefined) throw new Error(`ControlMethods has no ${method}`)
    const parts = { params: paramsOf(method), ...told }
    const schema = { description: text, type: 'object', properties: parts, required: Object.keys(parts), additionalProperties: false }
    return [method, schema] as const
  })
  const properties = Object.fromEntries(methods) as unknown as ControlSchema['properties']
  return {
    $schema: DRAFT,
    $id: 'urn:signalbox:control:1',
    title: 'Methods of the control socket',
    description:
      'Of each method what it takes (params), answers (result), tells meanwhile (progress) and sends once it is answered (push).',
    type: 'object',
    properties,
    additionalProperties: false,
    $defs: shapesIn(properties, $defs),
  }
}
