/** A place with a street to live in. The names are common ones; the house numbers are drawn. */
export type Place = { city: string; state?: string; postal_code: string; street: string };

/** What the sample knows of one country: how sources spell it and its zone, and numbers reserved for fiction. */
export type Country = {
  code: string;
  /** Whether consent rules of Europe cover it. */
  covered: boolean;
  /** How many people of the sample live there. */
  people: number;
  spellings: readonly string[];
  zones: readonly string[];
  /** Spellings of one phone number; `#` marks where its two or three free digits stand. */
  phones: readonly { e164: string; written: readonly string[] }[];
  houseFirst: boolean;
  postalFirst: boolean;
  places: readonly Place[];
};

/** Numbers are of the ranges that the national regulators keep for drama and documentation. */
export const COUNTRIES: readonly Country[] = [
  {
    code: 'US', covered: false, people: 96, houseFirst: true, postalFirst: false,
    spellings: ['US', 'USA', 'United States', 'United States of America', 'us', 'U.S.A.'],
    zones: ['America/New_York', 'Eastern Standard Time', 'Pacific Time (US & Canada)', ''],
    phones: [
      { e164: '+121255501##', written: ['(212) 555-01##', '212.555.01##', '+1 212 555 01##', '1-212-555-01##', 'tel:+1-212-555-01##'] },
      { e164: '+141555501##', written: ['(415) 555-01##', '415 555 01## ext. 12', '+1-415-555-01##', '001 415 555 01##'] },
      { e164: '+151255501##', written: ['512-555-01##', '(512)55501##', '+1 (512) 555-01##', '５１２-555-01##'] },
    ],
    places: [
      { city: 'Austin', state: 'TX', postal_code: '78701', street: 'Cedar Street' },
      { city: 'San Francisco', state: 'California', postal_code: '94107', street: 'Juniper Avenue' },
      { city: 'New York', state: 'NY', postal_code: '10011-2345', street: 'W 18th St Apt 4B' },
      { city: 'Portland', state: 'Oregon', postal_code: '97205', street: 'SW Maple Ct' },
    ],
  },
  {
    code: 'CA', covered: false, people: 28, houseFirst: true, postalFirst: false,
    spellings: ['CA', 'Canada', 'CAN'], zones: ['America/Toronto', 'Eastern Standard Time', ''],
    phones: [{ e164: '+141655501##', written: ['(416) 555-01##', '416.555.01##', '+1 416 555 01##'] }],
    places: [
      { city: 'Toronto', state: 'ON', postal_code: 'M5V 2T6', street: 'Larch Street' },
      { city: 'Toronto', state: 'Ontario', postal_code: 'm5v2t6', street: 'Birchmount Crescent' },
    ],
  },
  {
    code: 'GB', covered: true, people: 52, houseFirst: true, postalFirst: false,
    spellings: ['GB', 'UK', 'United Kingdom', 'Great Britain', 'England'], zones: ['Europe/London', 'GMT Standard Time', '(GMT+00:00) London', ''],
    phones: [
      { e164: '+442079460###', written: ['020 7946 0###', '+44 (0)20 7946 0###', '0044 20 7946 0###', '(020) 79460###'] },
      { e164: '+441614960###', written: ['0161 496 0###', '+44-161-496-0###'] },
    ],
    places: [
      { city: 'London', postal_code: 'SW1A 2AA', street: 'Willow Lane' },
      { city: 'Manchester', postal_code: 'm1 1ae', street: 'Chapel Walks' },
      { city: 'Bristol', postal_code: 'BS14DJ', street: 'Harbour Row' },
    ],
  },
  {
    code: 'DE', covered: true, people: 52, houseFirst: false, postalFirst: true,
    spellings: ['DE', 'Germany', 'Deutschland', 'DEU'], zones: ['Europe/Berlin', 'W. Europe Standard Time', '(GMT+01:00) Berlin', ''],
    phones: [
      { e164: '+493023125###', written: ['030 23125###', '+49 (0)30 / 23125-###', '0049 30 23125###'] },
      { e164: '+496990009###', written: ['069 90009###', '(069) 90009 ###'] },
    ],
    places: [
      { city: 'Berlin', postal_code: '10115', street: 'Ahornstraße' },
      { city: 'Frankfurt am Main', postal_code: 'D-60311', street: 'Am Lindenbaum' },
      { city: 'München', postal_code: '80331', street: 'Kastanienweg' },
    ],
  },
  {
    code: 'FR', covered: true, people: 42, houseFirst: true, postalFirst: true,
    spellings: ['FR', 'France', 'FRA'], zones: ['Europe/Paris', 'Romance Standard Time', ''],
    phones: [
      { e164: '+331990012##', written: ['01 99 00 12 ##', '+33 (0)1 99 00 12 ##', '01.99.00.12.##'] },
      { e164: '+334657134##', written: ['04 65 71 34 ##', '0033 4 65 71 34 ##'] },
    ],
    places: [
      { city: 'Paris', postal_code: '75002', street: 'rue des Tilleuls' },
      { city: 'Lyon', postal_code: '69003', street: 'avenue du Chêne' },
    ],
  },
  {
    code: 'SE', covered: true, people: 24, houseFirst: false, postalFirst: true,
    spellings: ['SE', 'Sweden', 'Sverige'], zones: ['Europe/Stockholm', 'W. Europe Standard Time', ''],
    phones: [{ e164: '+468465004##', written: ['08-465 004 ##', '+46 (0)8 465 004 ##'] }],
    places: [{ city: 'Stockholm', postal_code: '111 22', street: 'Björkvägen' }, { city: 'Stockholm', postal_code: '11455', street: 'Almgatan' }],
  },
  {
    code: 'AU', covered: false, people: 28, houseFirst: true, postalFirst: false,
    spellings: ['AU', 'Australia', 'AUS'], zones: ['Australia/Sydney', 'AUS Eastern Standard Time', ''],
    phones: [{ e164: '+6125550####', written: ['(02) 5550 ####', '+61 2 5550 ####'] }, { e164: '+613701####0', written: ['03 701# ###0'] }],
    places: [{ city: 'Sydney', state: 'NSW', postal_code: '2000', street: 'Banksia Parade' }, { city: 'Newcastle', state: 'New South Wales', postal_code: '2300', street: 'Wattle Street' }],
  },
  {
    code: 'ES', covered: true, people: 24, houseFirst: false, postalFirst: true, phones: [],
    spellings: ['ES', 'Spain', 'España'], zones: ['Europe/Madrid', 'Romance Standard Time', ''],
    places: [{ city: 'Madrid', postal_code: '28013', street: 'Calle del Olmo' }, { city: 'Valencia', postal_code: '46002', street: 'Calle del Pino' }],
  },
  {
    code: 'IT', covered: true, people: 22, houseFirst: false, postalFirst: true, phones: [],
    spellings: ['IT', 'Italy', 'Italia'], zones: ['Europe/Rome', 'W. Europe Standard Time', ''],
    places: [{ city: 'Milano', postal_code: '20121', street: 'Via dei Platani' }, { city: 'Torino', postal_code: '10121', street: 'Via del Cedro' }],
  },
  {
    code: 'NL', covered: true, people: 20, houseFirst: false, postalFirst: true, phones: [],
    spellings: ['NL', 'Netherlands', 'The Netherlands', 'Nederland'], zones: ['Europe/Amsterdam', 'W. Europe Standard Time', ''],
    places: [{ city: 'Amsterdam', postal_code: '1012 AB', street: 'Beukenlaan' }, { city: 'Utrecht', postal_code: '3511ab', street: 'Lindestraat' }],
  },
  {
    code: 'PL', covered: true, people: 18, houseFirst: false, postalFirst: true, phones: [],
    spellings: ['PL', 'Poland', 'Polska'], zones: ['Europe/Warsaw', 'Central European Standard Time', ''],
    places: [{ city: 'Warszawa', postal_code: '00-001', street: 'ul. Lipowa' }, { city: 'Kraków', postal_code: '31-004', street: 'ul. Klonowa' }],
  },
  {
    code: 'CH', covered: true, people: 18, houseFirst: false, postalFirst: true, phones: [],
    spellings: ['CH', 'Switzerland', 'Schweiz', 'Suisse'], zones: ['Europe/Zurich', 'W. Europe Standard Time', ''],
    places: [{ city: 'Zürich', postal_code: '8001', street: 'Eschenweg' }, { city: 'Bern', postal_code: 'CH-3011', street: 'Ulmenstrasse' }],
  },
  {
    code: 'BR', covered: false, people: 16, houseFirst: false, postalFirst: false, phones: [],
    spellings: ['BR', 'Brazil', 'Brasil'], zones: ['America/Sao_Paulo', 'E. South America Standard Time', ''],
    places: [{ city: 'São Paulo', state: 'SP', postal_code: '01310-100', street: 'Rua das Figueiras' }],
  },
  {
    code: 'IN', covered: false, people: 16, houseFirst: true, postalFirst: false, phones: [],
    spellings: ['IN', 'India', 'IND'], zones: ['Asia/Kolkata', 'India Standard Time', '(GMT+05:30) Kolkata', ''],
    places: [{ city: 'Mumbai', state: 'Maharashtra', postal_code: '400001', street: 'Neem Road' }],
  },
  {
    code: 'JP', covered: false, people: 14, houseFirst: true, postalFirst: false, phones: [],
    spellings: ['JP', 'Japan', '日本'], zones: ['Asia/Tokyo', 'Tokyo Standard Time', ''],
    places: [{ city: 'Tokyo', postal_code: '100-0001', street: 'Chiyoda' }],
  },
  {
    code: 'MX', covered: false, people: 14, houseFirst: false, postalFirst: true, phones: [],
    spellings: ['MX', 'Mexico', 'México'], zones: ['America/Mexico_City', 'Central Standard Time (Mexico)', ''],
    places: [{ city: 'Ciudad de México', postal_code: '06000', street: 'Calle Ahuehuete' }],
  },
];

export const FIRST_NAMES = [
  'Ada', 'Alva', 'Bruno', 'Cato', 'Celia', 'Dario', 'Edda', 'Elio', 'Fay', 'Gwen', 'Hugo', 'Ilse', 'Ivo', 'Jana', 'Jonas', 'Kaya',
  'Lena', 'Lior', 'Mara', 'Milo', 'Nadia', 'Nico', 'Odile', 'Otto', 'Pia', 'Quinn', 'René', 'Rosa', 'Selma', 'Sören', 'Tessa', 'Timo', 'Ute', 'Vera', 'Wim', 'Xenia', 'Yara', 'Zoë',
] as const;
export const LAST_NAMES = [
  'Ashgrove', 'Birkwald', 'Brightwater', 'Cloverfield', 'Dunmarrow', 'Eichenau', 'Fernhollow', 'Goldbach', 'Hawkridge', 'Ilmenau', 'Juniper', 'Kestrelli',
  'Lindqvister', 'Marchetto', 'Nightingale-Roy', 'Oakenfeld', 'Pinheiral', 'Quillsworth', 'Rosendahlen', 'Silverton', 'Thistledown', 'Ulmenthal', 'Valmorin', "O'Wicklow", 'Yarrowby', 'Zedermann',
] as const;
