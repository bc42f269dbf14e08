import { z } from 'zod';

/** Building blocks of the settings schema: each takes text from the environment and gives a checked value. */

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]', '::1']);

/** A whole number between two bounds. */
export function integer(fallback: number, min: number, max: number) {
  return z
    .string()
    .default(String(fallback))
    .transform((raw, context) => {
      const value = /^\d{1,15}$/.test(raw.trim()) ? Number(raw) : Number.NaN;
      if (value >= min && value <= max) return value;
      context.addIssue({ code: 'custom', message: `must be a whole number from ${min} to ${max}` });
      return z.NEVER;
    });
}

/** A whole number, or nothing. */
export function optionalInteger(min: number, max: number) {
  return z
    .string()
    .default('')
    .transform((raw, context) => {
      if (raw.trim() === '') return undefined;
      const value = /^\d{1,15}$/.test(raw.trim()) ? Number(raw) : Number.NaN;
      if (value >= min && value <= max) return value;
      context.addIssue({ code: 'custom', message: `must be empty or a whole number from ${min} to ${max}` });
      return z.NEVER;
    });
}

/** Text, trimmed; empty counts as not given. */
export function optionalText() {
  return z
    .string()
    .default('')
    .transform((raw) => (raw.trim() === '' ? undefined : raw.trim()));
}

/** Text that must be there. */
export function requiredText(mend: string) {
  return z
    .string()
    .default('')
    .transform((raw, context) => {
      if (raw.trim() !== '') return raw.trim();
      context.addIssue({ code: 'custom', message: `is missing: ${mend}` });
      return z.NEVER;
    });
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T, fallback: T[number]) {
  return z
    .string()
    .default(fallback)
    .transform((raw, context): T[number] => {
      const word = words.find((candidate) => candidate === raw.trim());
      if (word !== undefined) return word;
      context.addIssue({ code: 'custom', message: `must be one of ${words.join(', ')}` });
      return z.NEVER;
    });
}

/** Words separated by commas or spaces. */
export function list(fallback = '') {
  return z
    .string()
    .default(fallback)
    .transform((raw) => raw.split(/[\s,]+/).filter((word) => word !== ''));
}

/** A URL that paths are put behind, and that may carry personal data: https, or http to this very machine. */
export function url(fallback: string) {
  return z
    .string()
    .default(fallback)
    .transform((raw, context) => checkUrl(raw.trim(), context))
    .refine((value) => !/[?#]/.test(value), 'must end before any ? or #: paths are put behind it');
}

export function optionalUrl() {
  return z
    .string()
    .default('')
    .transform((raw, context) => (raw.trim() === '' ? undefined : checkUrl(raw.trim(), context)));
}

function checkUrl(raw: string, context: z.RefinementCtx): string {
  const parsed = URL.canParse(raw) ? new URL(raw) : undefined;
  const safe = parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(parsed.hostname));
  if (parsed === undefined || !safe) context.addIssue({ code: 'custom', message: 'must be an https:// URL (http:// only to loopback)' });
  else if (parsed.username !== '' || parsed.password !== '') context.addIssue({ code: 'custom', message: 'must not hold a user name or password' });
  return raw.replace(/\/+$/, '');
}

/** Whether a host name means this machine only. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_HOSTS.has(host) || /^127(?:\.\d{1,3}){3}$/.test(host);
}
