import type { Api } from '../domain/ports/cxone.ts';

/** Kinds of work that the service does by itself. */
export type Kind = 'merge' | 'patch' | 'export' | 'sweep' | 'erasure' | 'checkpoint' | 'anchor' | 'access' | `register:${Api}`;
