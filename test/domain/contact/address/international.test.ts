import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../../../src/domain/contact/address.ts';

/** Country, line, city and postal code: the code before the city, behind it, or in a part of its own. */
const cases: [country: string, line: string, city: string, code: string][] = [
  ['LU', '12 Rue de la Gare, L-1611 Luxembourg, Luxembourg', 'Luxembourg', '1611'],
  ['FI', 'Mannerheimintie 4, 00100 Helsinki, Finland', 'Helsinki', '00100'],
  ['IS', 'Laugavegur 3, 101 Reykjavík, Iceland', 'Reykjavík', '101'],
  ['GR', 'Ermou 12, 105 63 Athens, Greece', 'Athens', '105 63'],
  ['HR', 'Ilica 5, 10000 Zagreb, Croatia', 'Zagreb', '10000'],
  ['LV', 'Brīvības iela 10, Rīga, LV-1010, Latvia', 'Rīga', 'LV-1010'],
  ['LT', 'Gedimino pr. 1, 01103 Vilnius, Lithuania', 'Vilnius', '01103'],
  ['LT', 'Gedimino pr. 1, LT-01103 Vilnius, Lithuania', 'Vilnius', '01103'],
  ['SK', 'Hlavná 1, 040 01 Košice, Slovakia', 'Košice', '040 01'],
  ['BG', 'бул. Витоша 1, 1000 София, България', 'София', '1000'],
  ['BY', 'Праспект Незалежнасці 1, 220030 Мінск, Belarus', 'Мінск', '220030'],
  ['JP', '1-1 Chiyoda, Chiyoda-ku, Tokyo 100-0001, Japan', 'Tokyo', '100-0001'],
  ['KR', '110 Sejong-daero, Jung-gu, Seoul 04524, South Korea', 'Seoul', '04524'],
  ['CN', 'No. 1 Chang An Jie, Dongcheng, Beijing 100006, China', 'Beijing', '100006'],
  ['VN', '268 Ly Thuong Kiet, District 10, Ho Chi Minh City 700000, Vietnam', 'Ho Chi Minh City', '700000'],
  ['TH', '123 Sukhumvit Road, Khlong Toei, Bangkok 10110, Thailand', 'Bangkok', '10110'],
  ['ID', 'Jl. Sudirman 1, Jakarta Pusat, Jakarta 10220, Indonesia', 'Jakarta', '10220'],
  ['PH', '123 Ayala Avenue, Makati, 1226 Metro Manila, Philippines', 'Metro Manila', '1226'],
  ['IN', '12 MG Road, Bengaluru, Karnataka 560001, India', 'Bengaluru', '560001'],
  ['IN', '12 MG Road, Bengaluru 560001, Karnataka, India', 'Bengaluru', '560001'],
  ['IN', '12 MG Road, Bengaluru KA 560001, India', 'Bengaluru', '560001'],
  ['PK', 'House 5, Street 12, F-7/2, Islamabad 44000, Pakistan', 'Islamabad', '44000'],
  ['BD', 'House 10, Road 5, Dhanmondi, Dhaka 1205, Bangladesh', 'Dhaka', '1205'],
  ['LK', '45 Galle Road, Colombo 00300, Sri Lanka', 'Colombo', '00300'],
  ['MX', 'Av. Reforma 222, Juárez, 06600 Ciudad de México, CDMX, Mexico', 'Ciudad de México', '06600'],
  ['AR', 'Av. Corrientes 1234, C1043AAZ Buenos Aires, Argentina', 'Buenos Aires', 'C1043AAZ'],
  ['CL', 'Av. Providencia 1208, 7500571 Providencia, Santiago, Chile', 'Providencia', '7500571'],
  ['PE', 'Av. Larco 123, Miraflores, Lima 15074, Peru', 'Lima', '15074'],
  ['UY', '18 de Julio 1234, 11200 Montevideo, Uruguay', 'Montevideo', '11200'],
  ['CR', 'Avenida Central, San José, 10101, Costa Rica', 'San José', '10101'],
  ['EG', '15 Tahrir Street, Cairo, 11511, Egypt', 'Cairo', '11511'],
  ['MA', '12 Avenue Mohammed V, 10000 Rabat, Morocco', 'Rabat', '10000'],
  ['KE', 'Kenyatta Avenue, P.O. Box 30197, 00100 Nairobi, Kenya', 'Nairobi', '00100'],
  ['KE', 'Kenyatta Avenue, Nairobi, 00100, Kenya', 'Nairobi', '00100'],
  ['ZA', '12 Loop Street, Cape Town, 8001, South Africa', 'Cape Town', '8001'],
  ['NG', '12 Broad Street, Lagos Island, Lagos 101001, Nigeria', 'Lagos', '101001'],
  ['SA', 'King Fahd Road, Olaya, Riyadh 11564, Saudi Arabia', 'Riyadh', '11564'],
  ['IL', 'Rothschild Blvd 1, Tel Aviv 6688101, Israel', 'Tel Aviv', '6688101'],
  ['TR', 'İstiklal Cad. No:5, 34430 Beyoğlu/İstanbul, Türkiye', 'Beyoğlu/İstanbul', '34430'],
  ['UA', 'вул. Хрещатик 1, Київ, 01001, Україна', 'Київ', '01001'],
  ['KZ', 'Abay Ave 10, Almaty 050000, Kazakhstan', 'Almaty', '050000'],
  ['GE', 'Rustaveli Ave 1, 0108 Tbilisi, Georgia', 'Tbilisi', '0108'],
  ['AZ', 'Nizami küç. 5, Bakı, AZ1000, Azerbaijan', 'Bakı', '1000'],
  ['MT', '1 Republic Street, Valletta VLT 1110, Malta', 'Valletta', 'VLT 1110'],
  ['JE', '1 Royal Square, St Helier, JE2 4WA, Jersey', 'St Helier', 'JE2 4WA'],
  ['BM', '5 Front Street, Hamilton HM 11, Bermuda', 'Hamilton', 'HM 11'],
  ['BB', 'Broad Street, Bridgetown, BB11000, Barbados', 'Bridgetown', 'BB11000'],
  ['IE', '10 OConnell Street, Limerick, V94 A2C1, Ireland', 'Limerick', 'V94 A2C1'],
  ['IE', 'Main Street, Clifden, Co. Galway, H71 XY12, Ireland', 'Clifden', 'H71 XY12'],
  ['CH', 'Bahnhofstrasse 1, CH-8001 Zürich, Switzerland', 'Zürich', '8001'],
  ['LI', 'Städtle 1, 9490 Vaduz, Liechtenstein', 'Vaduz', '9490'],
  ['CZ', 'Václavské nám. 1, 110 00 Praha 1, Czechia', 'Praha 1', '110 00'],
  ['HU', '1051 Budapest, Szent István tér 1, Hungary', 'Budapest', '1051'],
  ['HU', 'Szent István tér 1, Budapest, 1051, Hungary', 'Budapest', '1051'],
  ['RO', 'Str. Lipscani 5, sector 3, 030031 București, Romania', 'București', '030031'],
  ['PT', 'Rua Augusta 1, 2º Dto, 1100-048 Lisboa, Portugal', 'Lisboa', '1100-048'],
  ['NL', 'Damrak 1, 1012LG Amsterdam, The Netherlands', 'Amsterdam', '1012 LG'],
  ['DK', 'Strøget 1, 2. tv, 1160 København K, Danmark', 'København K', '1160'],
  ['NO', 'Karl Johans gate 1, 0154 Oslo, Norge', 'Oslo', '0154'],
  ['AU', 'Unit 5, 12 George St, Sydney NSW 2000, Australia', 'Sydney', '2000'],
  ['AU', '12 George St, Parramatta, NSW, 2150, Australia', 'Parramatta', '2150'],
  ['NZ', '12 Queen Street, Auckland Central, Auckland 1010, New Zealand', 'Auckland', '1010'],
  ['CA', '100 Queen St W, Toronto, Ontario M5H 2N2, Canada', 'Toronto', 'M5H 2N2'],
  ['CA', '100 Queen St W Toronto ON M5H2N2', 'Toronto', 'M5H 2N2'],
  ['GB', '10 Downing Street, Westminster, London SW1A 2AA, England', 'London', 'SW1A 2AA'],
  ['GB', '5 High Street, Guildford, Surrey, GU1 3AA, UK', 'Guildford', 'GU1 3AA'],
  ['FR', '12 bis rue de la Paix, 75002 PARIS CEDEX 02, France', 'PARIS CEDEX 02', '75002'],
  ['RE', '5 Rue de Paris, 97400 Saint-Denis, La Réunion, France', 'Saint-Denis', '97400'],
  ['IT', 'Via Garibaldi 10, 00153 Roma (RM), Italia', 'Roma', '00153'],
  ['BR', 'Rua XV de Novembro, 100, Centro, Curitiba - PR, 80020-310, Brasil', 'Curitiba', '80020-310'],
  ['BR', 'Rua XV de Novembro, 100 - Centro, Curitiba/PR, 80020-310, Brasil', 'Curitiba', '80020-310'],
  ['EC', 'Av. Amazonas N24, Quito 170143, Ecuador', 'Quito', '170143'],
  ['TW', 'No. 7, Sec. 5, Xinyi Road, Xinyi District, Taipei City 110, Taiwan', 'Taipei City', '110'],
  ['MY', '12 Jalan Ampang, 50450 Kuala Lumpur, Wilayah Persekutuan, Malaysia', 'Kuala Lumpur', '50450'],
  ['DZ', '5 Rue Didouche Mourad, 16000 Alger, Algérie', 'Alger', '16000'],
  ['KH', 'Norodom Blvd 10, 12301 Phnom Penh, Cambodia', 'Phnom Penh', '12301'],
  ['MM', '12 Bogyoke Road, Yangon, 11181, Myanmar', 'Yangon', '11181'],
  ['CY', 'Ledra 5, 1011 Λευκωσία, Κύπρος', 'Λευκωσία', '1011'],
  ['VE', 'Av. Urdaneta, Caracas 1010, Venezuela', 'Caracas', '1010'],
  ['FO', 'Tórsgøta 1, FO-100 Tórshavn, Faroe Islands', 'Tórshavn', '100'],
  ['SE', 'Storgatan 1, SE-114 55 Stockholm, Sweden', 'Stockholm', '114 55'],
];

const place = (line: string, given?: string): (string | undefined)[] => {
  const parsed = parseAddress(line, given);
  return [parsed?.country, parsed?.city, parsed?.postal_code];
};

describe('city and postal code, by country', () => {
  for (const [country, line, city, code] of cases) {
    it(line, () => {
      assert.deepEqual(place(line, country), [country, city, code]);
      assert.deepEqual(place(line), [country, city, code]);
    });
  }
});

describe('lines without a postal code', () => {
  const lines: [country: string, line: string, city: string][] = [
    ['AE', 'Office 12, Al Maktoum Road, Deira, Dubai, United Arab Emirates', 'Dubai'],
    ['HK', '8 Finance Street, Hong Kong', 'Hong Kong'],
    ['JM', '18 Hope Road, Kingston, Jamaica', 'Kingston'],
    ['GH', 'Oxford Street, Osu, Accra, Ghana', 'Accra'],
    ['AU', '9 Pitt Street, Sydney NSW, Australia', 'Sydney'],
  ];
  for (const [country, line, city] of lines) it(line, () => assert.deepEqual(place(line, country), [country, city, undefined]));
});
