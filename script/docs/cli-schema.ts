import type { JsonSchema, Shapes } from './json-schema.ts'
import { DRAFT, schemaOfType, shapesIn } from './schema-of-types.ts'

/** The JSON Schema of an object of commands: the form of the type JsonDocuments. */
export type CliSchema = JsonSchema & { readonly properties: Shapes; readonly $defs: Shapes }

/** JSON Schemas of what commands print with `--json`. */
export const cliSchema = (root: string): CliSchema => {
  const { properties, $defs } = schemaOfType(root, 'src/cli/json-documents.ts', 'JsonDocuments')
  return {
    $schema: DRAFT,
    $id: 'urn:signalbox:cli:1',
    title: 'Documents of the command line',
    description: 'Of each command the documents that it prints with --json, one a line.',
    type: 'object',
    properties,
    additionalProperties: false,
    $defs: shapesIn(properties, $defs),
  }
}
