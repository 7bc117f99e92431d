import { pathToFileURL } from 'node:url'
import type { Property } from './property.ts'

const isProperty = (value: unknown): value is Property => {
  if (typeof value !== 'object' || value === null) return false
  const { title, holds, scenarios, runs } = value as Partial<Property>
  return typeof title === 'string' && typeof holds === 'function' && typeof scenarios === 'object' && typeof runs === 'number'
}

/** The properties that a file exports, alone or in arrays. */
export const loadProperties = async (path: string): Promise<readonly Property[]> => {
  const exported = Object.values((await import(pathToFileURL(path).href)) as Record<string, unknown>)
  return [...new Set(exported.flat().filter(isProperty))]
}
