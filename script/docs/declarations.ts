import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** One exported name: what its doc comment says, and its declaration without bodies. */
export type Declared = { readonly name: string; readonly file: string; readonly text: string; readonly doc: string }

const parse = (path: string, text: string): ts.SourceFile => ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)

const isExported = (node: ts.Statement): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)

const namesOf = (node: ts.Statement): readonly string[] => {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText())
  return 'name' in node ? [(node.name as ts.Identifier).text] : []
}

/** Prose of a doc comment; its tags as they stand. */
export const docOf = (node: ts.Node): string => {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
  if (doc === undefined) return ''
  const lines = doc
    .getText()
    .slice(3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
  return lines
    .join('\n')
    .trim()
    .replaceAll(/\s*@(\w+) /g, (_, tag: string) => `\n\n@${tag} `)
    .trim()
}

/** The declarations that a file itself exports. */
const declaredIn = (path: string): readonly Declared[] => {
  const { outputText } = ts.transpileDeclaration(readFileSync(path, 'utf8'), { fileName: path })
  const source = parse(path, outputText)
  return source.statements.filter(isExported).flatMap((node) => {
    const text = node.getText().replace(/^export (declare )?/, '')
    return namesOf(node).map((name) => ({ name, file: path, text, doc: docOf(node) }))
  })
}

/** Which file each imported name comes from. */
const importsOf = (statements: readonly ts.Statement[]): ReadonlyMap<string, string> =>
  new Map(
    statements.filter(ts.isImportDeclaration).flatMap(({ importClause, moduleSpecifier }): [string, string][] => {
      const named = importClause?.namedBindings
      if (named === undefined || !ts.isNamedImports(named)) return []
      return named.elements.map(({ name }) => [name.text, (moduleSpecifier as ts.StringLiteral).text])
    }),
  )

/** What a module exports, in its order, also by way of other files of ours. */
export const exportsOf = (path: string): readonly Declared[] => {
  const { statements } = parse(path, readFileSync(path, 'utf8'))
  const imports = importsOf(statements)
  const find = (specifier: string, wanted: string): Declared => {
    const found = exportsOf(join(dirname(path), specifier)).find(({ name }) => name === wanted)
    if (found === undefined) throw new Error(`${path} exports ${wanted}, which ${specifier} does not`)
    return found
  }
  const passedOn = statements.filter(ts.isExportDeclaration).flatMap(({ moduleSpecifier, exportClause }) => {
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) throw new Error(`${path}: only named exports can be told of`)
    return exportClause.elements.map(({ name, propertyName }) => {
      const wanted = (propertyName ?? name).text
      const from = moduleSpecifier === undefined ? imports.get(wanted) : (moduleSpecifier as ts.StringLiteral).text
      if (from === undefined) throw new Error(`${path} exports ${wanted}, which is not found`)
      // A library's own.
      if (!from.startsWith('.')) return { name: name.text, file: path, text: `export { ${wanted} } from '${from}'`, doc: '' }
      return { ...find(from, wanted), name: name.text }
    })
  })
  return [...declaredIn(path), ...passedOn]
}

/** A type that a file declares, exported or not. */
export const typeIn = (path: string, type: string): ts.TypeAliasDeclaration => {
  const { statements } = parse(path, readFileSync(path, 'utf8'))
  const found = statements.find((node) => ts.isTypeAliasDeclaration(node) && node.name.text === type)
  if (found === undefined) throw new Error(`${path} has no type ${type}`)
  return found as ts.TypeAliasDeclaration
}

/** The members of an object type. */
export const membersOf = ({ type, name }: ts.TypeAliasDeclaration): readonly { name: string; text: string; doc: string }[] => {
  if (!ts.isTypeLiteralNode(type)) throw new Error(`${name.text} is no object type`)
  return type.members.filter(ts.isPropertySignature).map((member) => ({
    name: (member.name as ts.StringLiteral).text,
    text: outdented(member.type?.getText() ?? ''),
    doc: docOf(member),
  }))
}

/** The members of a type stand two columns in. */
const outdented = (text: string): string => text.replaceAll('\n  ', '\n')
