import { join } from 'node:path';
import { z } from 'zod';
import { ENV } from '../../src/config/env.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const ENV_EXAMPLE_FILE = join(ROOT, '.env.example');
export const README_FILE = join(ROOT, 'README.md');

const BEGIN = '<!-- settings -->';
const END = '<!-- /settings -->';
/** The schema takes an empty list; the rules across settings then ask for AUTH_DISABLED. */
const ALSO_REQUIRED: ReadonlySet<string> = new Set(['API_KEYS']);

export type Setting = { name: string; fallback: string; description: string; required: boolean };

/** All settings in the order of the schema, as the environment sees them. */
export function settings(): Setting[] {
  const { properties } = z.toJSONSchema(ENV, { io: 'input' });
  return Object.entries(properties ?? {}).map(([name, property]) => {
    const { default: fallback, description } = property as { default?: string; description?: string };
    const field = ENV.shape[name as keyof typeof ENV.shape];
    return { name, fallback: fallback ?? '', description: description ?? '', required: ALSO_REQUIRED.has(name) || !field.safeParse(undefined).success };
  });
}

/** What `.env.example` says: each setting with its default, ready to be copied to `.env`. */
export function envExample(): string {
  const head = '# Settings of cxone-enricher, with their defaults. Copy to .env and fill in what is required.\n';
  const blocks = settings().map(({ name, fallback, description, required }) => `\n# ${description}${required ? ' Required.' : ''}\n${name}=${quoted(fallback)}\n`);
  return head + blocks.join('');
}

/** The settings as a Markdown table. */
export function settingsTable(): string {
  const rows = settings().map(({ name, fallback, description, required }) => `| \`${name}\` | ${required ? '**required**' : fallback === '' ? '–' : `\`${cell(fallback)}\``} | ${cell(description)} |`);
  return ['| setting | default | what it is for |', '|---|---|---|', ...rows].join('\n');
}

/** A text with the table between its markers; unchanged where it has none. */
export function withSettings(text: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to < from) return text;
  return `${text.slice(0, from + BEGIN.length)}\n${settingsTable()}\n${text.slice(to)}`;
}

/** A space or a hash would end a bare value in some readers of `.env` files. */
function quoted(value: string): string {
  return /[\s#'"]/.test(value) ? `"${value}"` : value;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
