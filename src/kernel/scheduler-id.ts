/**
 * An actor's id for its scheduler: `name$incarnation`, every other character than letters, digits and `-_.` written as
 * `!hex!`, because nact allows few (FACTS, nact defect 9). Two names never share an id.
 * @example schedulerId({ name: 'lane:ln_1', incarnation: 2, id: 'lane:ln_1$2' }) === 'lane!3a!ln_1$2'
 */
export const schedulerId = (ref: { readonly name: string; readonly incarnation: number; readonly id: string }): string =>
  UNUSUAL.test(ref.name) ? escaped(ref.name, ref.incarnation) : ref.id

const UNUSUAL = /[^a-z0-9._-]/i

const escaped = (name: string, incarnation: number): string =>
  `${name.replaceAll(/[^a-z0-9._-]/gi, (text) => `!${text.charCodeAt(0).toString(16)}!`)}$${incarnation}`
