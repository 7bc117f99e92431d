export type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'
/** Colours a text, or leaves it as it is where colours are off. */
export type Paint = (style: Style, text: string) => string

const plain: Paint = (_style, text) => text

/** Loads `node:util` for colours only: it takes a tenth of the start of a light command. */
export const painter = (colours: boolean): Paint => {
  if (!colours) return plain
  const { styleText } = process.getBuiltinModule('node:util')
  return (style, text) => styleText(style, text, { validateStream: false })
}
