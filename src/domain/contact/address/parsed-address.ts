/** One line taken apart. Texts are as the source wrote them; a part that was not found is absent. */
export type ParsedAddress = {
  /** House number and road, or the post office box where there is no road. */
  address1?: string;
  /** Unit, suite, floor; the post office box where there is a road as well. */
  address2?: string;
  city?: string;
  /** Code of the subdivision without its country (`TX`) where it is known, else as written. */
  state?: string;
  /** Canonical where the country's shape is met, else as written. */
  postal_code?: string;
  /** ISO 3166-1 alpha-2. */
  country?: string;
  /** Person, company, building or note for the carrier. */
  recipient?: string;
  /** Id of the rule that read the line. */
  rule: string;
  /** 0 to 1; below 0.8 a guess. */
  confidence: number;
};
