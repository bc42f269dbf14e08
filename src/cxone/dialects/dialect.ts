import type { AnswerRules } from '../../domain/delivery/outcome.ts';
import type { Api } from '../../domain/ports/cxone.ts';

/** One call of a dialect: where it goes, and how its answer reads. `{id}` in the path is replaced by the thing addressed. */
export type Operation = AnswerRules & { api: Api; method: 'POST' | 'PATCH' | 'PUT'; path: string };

/** A webhook to register: the operation and the body around our URL and secret. */
export type WebhookRegistration = Operation & { body: Readonly<Record<string, unknown>> };

/** One way of speaking CXone, as data. */
export type Dialect = {
  name: string;
  apis: Readonly<Record<Api, { baseUrl: string; tokenUrl: string; scopes: readonly string[] }>>;
  merge: Operation & {
    /** The fields of a contact that are sent; any other is left out. */
    fields: readonly string[];
    /** What stands beside `contacts` in the body. */
    envelope: Readonly<Record<string, unknown>>;
    contactsMax: number;
  };
  patch: Operation & { id: RegExp; attributesMax: number; sourceSystemMaxChars: number; tagsMax: number };
  webhooks: Readonly<Record<Api, WebhookRegistration>>;
  events: {
    /** Event types that confirm a merge of the contact they name. */
    confirming: readonly string[];
    /** Event types that are known but confirm nothing. */
    informing: readonly string[];
  };
};
