import { join } from 'node:path'
import { createGenerator } from 'ts-json-schema-generator'
import { ULID } from '../../src/protocols/id-factory.ts'
import { ID_PREFIXES, type IdKind } from '../../src/protocols/ids.ts'
import type { JsonSchema, Shapes } from './json-schema.ts'

/** The JSON Schemas of an object type: of each property, and of the types that they name. */
export type TypesSchema = { readonly properties: Shapes; readonly $defs: Shapes }

export const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/** Ids are texts of a generic type, for the generator. */
const ID = /^#\/definitions\/Id<"(\w+)">$/u

/** From draft 7 to draft 2020-12, and ids with their form. */
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

/** Of a type that is checked elsewhere. Objects are closed: they have the fields named, and no other. A function could not be sent. */
export const schemaOfType = (root: string, file: string, type: string): TypesSchema => {
  const generator = createGenerator({
    path: join(root, file),
    tsconfig: join(root, 'tsconfig.json'),
    skipTypeCheck: true,
    topRef: false,
    encodeRefs: false,
    sortProps: false,
    functions: 'fail',
  })
  const { properties = {}, definitions = {} } = reworded(generator.createSchema(type)) as JsonSchema & { readonly definitions?: Shapes }
  return { properties, $defs: definitions }
}

const namedIn = (schema: unknown, all: Shapes, names: Set<string>): ReadonlySet<string> => {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(/"#\/\$defs\/([^"]+)"/gu)) {
    if (names.has(name)) continue
    if (all[name] === undefined) throw new Error(`the type ${name} needs a name that can stand in a reference: give it an alias`)
    names.add(name)
    namedIn(all[name], all, names)
  }
  return names
}

/** Of all shapes those that a schema names, and that they name, in order of their names. */
export const shapesIn = (schema: unknown, all: Shapes): Shapes =>
  Object.fromEntries([...namedIn(schema, all, new Set())].sort().map((name) => [name, all[name] ?? {}]))
