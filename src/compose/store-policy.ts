import type { Config } from '../config/config.ts';
import type { StorePolicy } from '../store/sqlite/context.ts';
import { policyVersionOf } from './policy-version.ts';

/** The rules that a store decides by, whoever opens it. */
export function storePolicyOf(config: Config): StorePolicy {
  const { policy, maxAgeDays, extraCountries } = config.consent;
  return {
    consent: { policy, extraCountries, ...(maxAgeDays === undefined ? {} : { maxAgeDays }) },
    policyVersion: policyVersionOf(config),
    exportOn: config.marketing !== undefined,
    identifierMaxPeople: config.identity.identifierMaxPeople,
    queueMaxContacts: config.store.queueMaxContacts,
    sourcePriority: [...config.identity.sourcePriority],
    erasureAllowReturn: config.privacy.erasureAllowReturn,
    retention: config.privacy.retention,
  };
}
