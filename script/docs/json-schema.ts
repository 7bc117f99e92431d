import { table } from './markdown.ts'

type Literal = string | number | boolean | null

/** As much of JSON Schema as we use. */
export type JsonSchema = {
  readonly $ref?: string
  readonly $schema?: string
  readonly $id?: string
  readonly title?: string
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly enum?: readonly Literal[]
  readonly const?: Literal
  readonly anyOf?: readonly JsonSchema[]
  readonly pattern?: string
}

/** Schemas that others name, by their names. */
export type Shapes = Readonly<Record<string, JsonSchema>>

/** Too many to list, and listed elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = { ErrorCode: '[a code of the catalogue](errors.md)' }

const nameIn = ({ $ref = '' }: JsonSchema): string => $ref.replace('#/$defs/', '')

/** The shapes that have a section of their own; the others are shown where they are used. */
export const shapesWithFields = (shapes: Shapes): readonly (readonly [string, JsonSchema])[] =>
  Object.entries(shapes).filter(([, { properties }]) => properties !== undefined)

const literal = (value: Literal): string => (value === null ? 'null' : `\`${value}\``)

/** The alternatives of a type as texts. */
const alternatives = (schema: JsonSchema, shapes: Shapes): readonly string[] => {
  if (schema.$ref !== undefined) {
    const name = nameIn(schema)
    const shape = shapes[name] ?? {}
    if (shape.properties !== undefined) return [`[${name}](#${name.toLowerCase()})`]
    return name in ELSEWHERE ? [ELSEWHERE[name] ?? name] : alternatives(shape, shapes)
  }
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((one) => alternatives(one, shapes))
  if (schema.enum !== undefined) return schema.enum.map(literal)
  if (schema.const !== undefined) return [literal(schema.const)]
  const id = /^\^([a-z]+)_/u.exec(schema.pattern ?? '')?.[1]
  if (id !== undefined) return [`\`${id}_…\``]
  return [schema.type ?? 'anything'].flat().map((type) => {
    if (type !== 'array') return type
    return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items, shapes)}`
  })
}

/** A type in words. */
export const typeOf = (schema: JsonSchema, shapes: Shapes): string => {
  const all = [...new Set(alternatives(schema, shapes))]
  const literals = all.filter((one) => one.startsWith('`'))
  return [literals.join(', '), ...all.filter((one) => !literals.includes(one))].filter((one) => one !== '').join(' or ')
}

/** What is said of a field, and of the values that it may have. */
const aboutOf = (schema: JsonSchema, shapes: Shapes): string => {
  const named = [schema, ...(schema.anyOf ?? [])].map(nameIn).filter((name) => name !== '' && shapes[name]?.properties === undefined)
  return [schema.description, ...named.map((name) => shapes[name]?.description)].filter((text) => text !== undefined).join(' ')
}

/** What of a type is fields written in place: an object, that or null, or a list of such. */
const within = (schema: JsonSchema): { readonly fields: JsonSchema; readonly path: string } | null => {
  if (schema.properties !== undefined) return { fields: schema, path: '.' }
  if (schema.items?.properties !== undefined) return { fields: schema.items, path: '[].' }
  const fields = schema.anyOf?.find(({ properties }) => properties !== undefined)
  return fields === undefined ? null : { fields, path: '.' }
}

const rowsOf = (schema: JsonSchema, shapes: Shapes, prefix: string): readonly (readonly string[])[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const mark = schema.required?.includes(name) === true ? '' : '?'
    const inner = within(field)
    return [
      [`\`${prefix}${name}${mark}\``, typeOf(field, shapes), aboutOf(field, shapes)],
      ...(inner === null ? [] : rowsOf(inner.fields, shapes, `${prefix}${name}${inner.path}`)),
    ]
  })

/** The fields of an object, those of objects within it after them. */
export const fieldsTable = (title: string, schema: JsonSchema, shapes: Shapes): string =>
  table([title, 'type', ''], rowsOf(schema, shapes, ''))

/** What a method takes. */
export const paramsTable = ({ properties = {}, required = [] }: JsonSchema): string => {
  const rows = Object.entries(properties).map(([name, schema]) => [
    `\`${name}\``,
    typeOf(schema, {}),
    required.includes(name) ? 'yes' : 'no',
    schema.description ?? '',
  ])
  return rows.length === 0 ? 'Takes nothing.' : table(['payload', 'type', 'required', ''], rows)
}
