/**
 * The shape of an IBAN after its country code and two check digits: runs of n (digits), a (letters), c (either), each
 * with its length. From the SWIFT IBAN Registry (ISO 13616-1), release 99, and, after the bar, countries that use the
 * form without being registered.
 */
const STRUCTURES =
  'AD:n8c12 AE:n19 AL:n8c16 AT:n16 AZ:a4c20 BA:n16 BE:n12 BG:a4n6c8 BH:a4c14 BI:n23 BR:n23a1c1 BY:c4n4c16 CH:n5c12 ' +
  'CR:n18 CY:n8c16 CZ:n20 DE:n18 DJ:n23 DK:n14 DO:c4n20 EE:n16 EG:n25 ES:n20 FI:n14 FK:a2n12 FO:n14 FR:n10c11n2 ' +
  'GB:a4n14 GE:a2n16 GI:a4c15 GL:n14 GR:n7c16 GT:c24 HN:a4n20 HR:n17 HU:n24 IE:a4n14 IL:n19 IQ:a4n15 IS:n22 ' +
  'IT:a1n10c12 JO:a4n4c18 KW:a4c22 KZ:n3c13 LB:n4c20 LC:a4c24 LI:n5c12 LT:n16 LU:n3c13 LV:a4c13 LY:n21 MC:n10c11n2 ' +
  'MD:c20 ME:n18 MK:n3c10n2 MN:n16 MR:n23 MT:a4n5c18 MU:a4n19a3 NI:a4n20 NL:a4n10 NO:n11 OM:n3c16 PK:a4c16 PL:n24 ' +
  'PS:a4c21 PT:n21 QA:a4c21 RO:a4c16 RS:n18 RU:n14c15 SA:n2c18 SC:a4n20a3 SD:n14 SE:n20 SI:n15 SK:n20 SM:a1n10c12 ' +
  'SO:n19 ST:n21 SV:a4n20 TL:n19 TN:n20 TR:n6c16 UA:n6c19 VA:n18 VG:a4n16 XK:n16 YE:a4n4c18' +
  ' | ' +
  'AO:n21 AX:n14 BF:c2n22 BJ:c2n22 BL:n10c11n2 CF:n23 CG:n23 CI:c2n22 CM:n23 CV:n21 DZ:n22 GA:n23 GF:n10c11n2 GG:a4n14 ' +
  'GP:n10c11n2 GQ:n23 GW:c2n19 IM:a4n14 IR:n22 JE:a4n14 KM:n23 MA:n24 MF:n10c11n2 MG:n23 ML:c2n22 MQ:n10c11n2 MZ:n21 ' +
  'NC:n10c11n2 NE:a2n22 PF:n10c11n2 PM:n10c11n2 RE:n10c11n2 SN:a2n22 TD:n23 TF:n10c11n2 TG:a2n22 WF:n10c11n2 YT:n10c11n2';

const CLASS_OF = { n: '\\d', a: '[A-Z]', c: '[A-Z0-9]' } as const;

/** For each country code, the length of its IBANs and their shape without separators, in capitals. */
export const IBAN_STRUCTURES: ReadonlyMap<string, { length: number; shape: RegExp }> = new Map(
  STRUCTURES.split(' ')
    .filter((entry) => entry !== '|')
    .map((entry) => {
      const [country, structure] = entry.split(':') as [string, string];
      const runs = [...structure.matchAll(/([nac])(\d+)/g)].map(
        ([, kind, count]) => [CLASS_OF[kind as keyof typeof CLASS_OF], Number(count)] as const,
      );
      const source = runs.map(([kind, count]) => `${kind}{${count}}`).join('');
      const length = 4 + runs.reduce((sum, [, count]) => sum + count, 0);
      return [country, { length, shape: new RegExp(`^${country}\\d\\d${source}$`) }] as const;
    }),
);
