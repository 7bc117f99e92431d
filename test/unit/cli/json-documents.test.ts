import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/command-table.ts'
import { CLI_SCHEMA } from '../../helpers/schema-check.ts'

type Schema = {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}

const shapeOf = ({ $ref = '' }: Schema): readonly Schema[] => {
  const shape = CLI_SCHEMA.$defs[$ref.replace('#/$defs/', '')]
  return shape === undefined ? [] : [shape]
}

/** The alternatives of a schema. */
const alternatives = (schema: Schema): readonly Schema[] =>
  [schema, ...shapeOf(schema), ...(schema.anyOf ?? [])].flatMap((one) => (one === schema ? [one] : alternatives(one)))

/** Every key and fixed text that a schema has, at any depth. */
const wordsOf = (schema: Schema, seen: Set<Schema> = new Set(), words: Set<string> = new Set()): ReadonlySet<string> => {
  if (seen.has(schema)) return words
  seen.add(schema)
  for (const word of [...Object.keys(schema.properties ?? {}), ...(schema.enum ?? []), schema.const]) words.add(String(word))
  const inner = [
    ...shapeOf(schema),
    ...(schema.anyOf ?? []),
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
  ]
  for (const one of inner) wordsOf(one, seen, words)
  return words
}

/** The words in quotes in the help of a command. */
const told = (details = ''): readonly string[] => [...details.matchAll(/"([\w-]+)"/gu)].map(([, word = '']) => word)

const withJson = COMMANDS.filter(({ options = [] }) => options.some(({ flag }) => flag === 'json'))

describe('what commands print with --json', () => {
  it('has a schema for every command that takes it', () => {
    expect(withJson.map(({ name }) => name).sort()).toEqual(Object.keys(CLI_SCHEMA.properties).sort())
  })

  it.each(withJson)('is in the help of $name as its schema says', ({ name, details }) => {
    const schema = CLI_SCHEMA.properties[name] ?? {}
    const words = wordsOf(schema)
    expect(told(details).filter((word) => !words.has(word))).toEqual([])
    const keys = alternatives(schema).flatMap(({ properties = {} }) => Object.keys(properties))
    expect([...new Set(keys)].filter((key) => !told(details).includes(key))).toEqual([])
  })
})
