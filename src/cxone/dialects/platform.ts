import type { Dialect } from './dialect.ts';

/** The default dialect: pair of Contact API and Profile API, merges confirmed by webhook. */
export const PLATFORM = {
  name: 'platform',
  apis: {
    contacts: {
      baseUrl: 'https://platform.nice-incontact.com',
      tokenUrl: 'https://platform.nice-incontact.com/oauth2/token',
      scopes: ['contact:write', 'contact:read', 'webhook:write', 'webhook:read'],
    },
    profiles: {
      baseUrl: 'https://api.cxone.com',
      tokenUrl: 'https://api.cxone.com/api/v2/oauth/token',
      scopes: ['profile:read', 'profile:write', 'webhook:read', 'webhook:write', 'data:read'],
    },
  },
  merge: {
    api: 'contacts',
    method: 'POST',
    path: '/api/v2/contacts/merge',
    what: 'merging contacts',
    scope: 'contact:write',
    completedCodes: [200],
    goneCodes: [],
    existsCodes: [],
    contactsMax: 50,
    fields: [
      'email', 'phone', 'first_name', 'last_name', 'address1', 'address2', 'city', 'state', 'postal_code', 'country',
      'timezone', 'consent_to_email', 'consent_to_sms', 'consent_to_phone', 'gdpr_consent', 'consent_date',
      'consent_source', 'external_crm_id', 'interaction_history', 'communication_preferences', 'deduplication_hash',
    ],
    envelope: {
      merge_strategy: 'keep_most_recent',
      deduplication_rules: ['email', 'phone'],
      suppress_duplicates: true,
    },
  },
  patch: {
    api: 'profiles',
    method: 'PATCH',
    path: '/api/v2/profiles/{id}',
    what: 'patching a profile',
    scope: 'profile:write',
    completedCodes: [],
    goneCodes: [404, 410],
    existsCodes: [],
    id: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
    attributesMax: 50,
    sourceSystemMaxChars: 64,
    tagsMax: 10,
  },
  webhooks: {
    contacts: {
      api: 'contacts',
      method: 'POST',
      path: '/api/v2/webhooks',
      what: 'registering a webhook',
      scope: 'webhook:write',
      completedCodes: [],
      goneCodes: [],
      existsCodes: [409],
      body: {
        name: 'contact-merge-processor',
        events: ['contact.merged', 'contact.updated'],
        enabled: true,
        scope: 'tenant',
      },
    },
    profiles: {
      api: 'profiles',
      method: 'POST',
      path: '/api/v2/webhooks',
      what: 'registering a webhook',
      scope: 'webhook:write',
      completedCodes: [],
      goneCodes: [],
      existsCodes: [409],
      body: {
        name: 'cxone_profile_enrichment_sync',
        eventTypes: ['PROFILE_UPDATED', 'PROFILE_MERGED'],
        enabled: true,
      },
    },
  },
  events: {
    confirming: ['contact.merged', 'contact.updated'],
    informing: ['PROFILE_UPDATED', 'PROFILE_MERGED'],
  },
} as const satisfies Dialect;
