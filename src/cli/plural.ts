/** `1 restart`, `2 restarts`. */
export const count = (value: number, noun: string): string => `${value} ${noun}${value === 1 ? '' : /(s|x|ch)$/.test(noun) ? 'es' : 's'}`
