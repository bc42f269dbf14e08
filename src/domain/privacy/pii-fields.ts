import { PII_CLASSES } from './detectors/subject.ts';
import type { PiiClass } from './detectors/subject.ts';
import { classifyValue } from './pii.ts';
import type { PiiHit } from './pii.ts';

/** What was found in one attribute: its name, the classes, and in how many places; never a value. */
export type PiiField = { field: string; classes: PiiClass[]; found: number };

/** Attributes that are told of one by one; the others are told of together. */
const FIELDS_MAX = 50;
const PLAIN_NAME = /^[A-Za-z_][\w.-]{0,63}$/;
/** Stands for attributes whose name may itself be personal data, and for those beyond the limit. */
const OTHERS = '[other]';

/** Hits by attribute, in the order in which they were met: what may be told where values may not. */
export function fieldsOf(hits: readonly Pick<PiiHit, 'class' | 'pointer'>[]): PiiField[] {
  const fields = new Map<string, { classes: Set<PiiClass>; found: number }>();
  for (const hit of hits) {
    const name = nameOf(hit.pointer);
    const field = fields.has(name) || fields.size < FIELDS_MAX ? name : OTHERS;
    const known = fields.get(field) ?? { classes: new Set(), found: 0 };
    known.classes.add(hit.class);
    known.found += 1;
    fields.set(field, known);
  }
  return [...fields].map(([field, { classes, found }]) => ({ field, classes: PII_CLASSES.filter((each) => classes.has(each)), found }));
}

/** The attribute that a pointer (RFC 6901) leads into, where its name is a word of a schema. */
function nameOf(pointer: string): string {
  const name = pointer.split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~') ?? '';
  return PLAIN_NAME.test(name) && classifyValue('', name).length === 0 ? name : OTHERS;
}
