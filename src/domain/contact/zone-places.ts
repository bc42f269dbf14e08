import { longestPrefix, readPrefixTable } from './prefix-table.ts';
import { zoneNamed } from './zone-index.ts';

/** States and provinces whose clocks agree (nearly) everywhere, by country: `zone=codes`. A state that is missing spans two zones. */
const STATES: Readonly<Record<string, string>> = {
  US: 'America/New_York=CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV|America/Chicago=AL AR IA IL LA MN MO MS OK WI|America/Denver=CO MT NM UT WY|America/Phoenix=AZ|America/Los_Angeles=CA NV WA|America/Anchorage=AK|Pacific/Honolulu=HI|America/Puerto_Rico=PR VI|Pacific/Guam=GU MP|Pacific/Pago_Pago=AS',
  CA: 'America/Edmonton=AB NT|America/Winnipeg=MB|America/Halifax=NS PE|America/Moncton=NB|America/Regina=SK|America/Toronto=QC|America/Whitehorse=YT',
  AU: 'Australia/Sydney=NSW ACT|Australia/Melbourne=VIC|Australia/Brisbane=QLD|Australia/Adelaide=SA|Australia/Perth=WA|Australia/Hobart=TAS|Australia/Darwin=NT',
  BR: 'America/Rio_Branco=AC|America/Manaus=AM|America/Boa_Vista=RR|America/Porto_Velho=RO|America/Cuiaba=MT|America/Campo_Grande=MS|America/Belem=PA AP|America/Fortaleza=MA CE RN PB PI|America/Recife=PE|America/Maceio=AL SE|America/Bahia=BA|America/Araguaina=TO|America/Sao_Paulo=DF GO MG ES RJ SP PR SC RS',
  MX: 'America/Tijuana=BCN|America/Mazatlan=BCS SIN|America/Hermosillo=SON|America/Cancun=ROO|America/Merida=CAM YUC|America/Monterrey=NLE|America/Mexico_City=AGU CHP CMX COL DUR GRO GUA HID JAL MEX MIC MOR OAX PUE QUE SLP TAB TLA VER ZAC',
  ID: 'Asia/Jakarta=JK JB JT JI BT YO AC SU SB RI JA SS BE LA BB KR|Asia/Pontianak=KB KT|Asia/Makassar=KS KI KU BA NB NT SA ST SN SG GO SR|Asia/Jayapura=MA MU PA PB PD PE PS PT',
  ES: 'Atlantic/Canary=GC TF CN|Africa/Ceuta=CE ML|Europe/Madrid=A AB AL AV B BA BI BU C CA CC CO CR CS CU GI GR GU H HU J L LE LO LU M MA MU NA O OR P PM PO S SA SE SG SO SS T TE TO V VA VI Z ZA AN AR AS CB CL CM CT EX GA IB MC MD NC PV RI VC',
  PT: 'Atlantic/Azores=20|Atlantic/Madeira=30|Europe/Lisbon=01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18',
  RU: 'Europe/Kaliningrad=KGD|Europe/Moscow=MOW MOS SPE LEN KDA ROS NIZ TA VOR TUL TVE TVER YAR BEL BRY IVA KLU KOS KRS LIP ORL RYA SMO TAM VLA VLG ARK MUR NGR PSK KR KO DA CE PNZ MO CU ME AD IN KB KC SE STA|Europe/Samara=SAM UD|Asia/Yekaterinburg=SVE CHE PER BA TYU KHM YAN KGN ORE|Asia/Omsk=OMS|Asia/Novosibirsk=NVS|Asia/Tomsk=TOM|Asia/Barnaul=ALT AL|Asia/Novokuznetsk=KEM|Asia/Krasnoyarsk=KYA KK TY|Asia/Irkutsk=IRK BU|Asia/Chita=ZAB|Asia/Vladivostok=PRI KHA YEV|Asia/Magadan=MAG|Asia/Sakhalin=SAK|Asia/Kamchatka=KAM|Asia/Anadyr=CHU',
  CL: 'America/Punta_Arenas=MA|America/Santiago=AN AP AR AT BI CO LI LL LR ML NB RM TA',
  EC: 'Pacific/Galapagos=W|America/Guayaquil=A B C D E F G H I L M N O P R S SD SE T U X Y Z',
  NZ: 'Pacific/Chatham=CIT|Pacific/Auckland=AUK BOP CAN GIS HKB MBH MWT NSN NTL OTA STL TAS TKI WGN WKO WTC',
};

/** Postal codes by their beginning where a state spans two zones, or stands for it: `zone=prefix from-to …`, the longest prefix wins, `-` says "not certain". */
const POSTAL_CODES: Readonly<Record<string, string>> = {
  US: 'America/New_York=005 010-061 063-089 100-307 308-319 320 321-323 326-339 341 342 344 346 347 349 398 399 400-418 425 426 430-459 373 374 376-379|America/Detroit=480-497|America/Indiana/Indianapolis=460-462 466-475 478 479|America/Chicago=324 325 350-372 380-397 420 421 422-424 463 464 476 477 500-567 570-574 580-585 587 588 600-676 680-690 700-797|America/Denver=577 590-599 693 798 799 800-834 836 837 840-847 870-884 885 979|America/Phoenix=850-864|America/Los_Angeles=838 889-897 900-961 970-978 980-994|America/Anchorage=995-999|Pacific/Honolulu=967 968|America/Puerto_Rico=006-009|Pacific/Guam=96910 96911-96932 96950-96952|Pacific/Pago_Pago=96799|-=99546 99547 97914 88430 89883',
  CA: 'America/St_Johns=A1 A2A A2B A2H A2N A5 A8 A0A A0B A0C A0E A0G A0H A0J A0L A0M|America/Goose_Bay=A2V A0P A0R|America/Halifax=B C|America/Moncton=E|America/Toronto=G H J K L M N P0A P1 P2 P3 P4 P5 P6 P7|America/Winnipeg=R P9 P8N|America/Regina=S|America/Edmonton=T X1A X0E X0G|America/Vancouver=V2 V3 V4 V5 V6 V7 V8 V9 V1Y V1W V1X V1Z V1V V1P V1M|America/Whitehorse=Y|-=S9V',
  AU: 'Australia/Sydney=02 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 2880|Australia/Melbourne=30-39 80-89|Australia/Brisbane=40-49 90-99|Australia/Adelaide=50-58|Australia/Perth=60-69|Australia/Hobart=70-79|Australia/Darwin=08 09|-=0872 6443 4383',
  ES: 'Atlantic/Canary=35 38|Africa/Ceuta=51 52|Europe/Madrid=01-34 36 37 39-50',
  PT: 'Atlantic/Madeira=90-94|Atlantic/Azores=95-99|Europe/Lisbon=10-89',
  BR: 'America/Sao_Paulo=01-39 70-76 80-99|America/Bahia=40-48|America/Maceio=49 57|America/Recife=50-56|America/Fortaleza=58-65|America/Belem=66 67 680 681 682 683 684 685 686 687 688 689|America/Araguaina=77|America/Cuiaba=780-788|America/Campo_Grande=79|America/Porto_Velho=768 769 789|-=69 5399',
  MX: 'America/Mexico_City=01-20 30-30 34-62 68-76 78 79 86 90-96 98 99|America/Monterrey=64-66|America/Merida=24 97|America/Cancun=77|America/Hermosillo=83-85|America/Mazatlan=23 80-82|America/Tijuana=21 22',
};

/**
 * Area codes of the North American Numbering Plan by zone. They tell a clock rather than a place, so one zone stands for
 * all with its clock. A code whose area is parted between two clocks is left out.
 */
const AREA_CODES =
  'America/New_York=201 202 203 207 212 215 216 220 223 227 229 231 234 239 240 248 252 260 267 269 272 276 283 301 302 304 305 313 315 317 321 324 326 329 330 332 336 339 347 351 352 363 380 386 401 404 407 410 412 413 419 423 434 436 440 443 445 463 470 472 475 478 484 502 508 513 516 517 518 540 551 561 567 570 571 574 582 585 586 603 606 607 609 610 614 616 617 624 631 640 645 646 656 667 678 679 680 681 686 689 703 704 706 716 717 718 724 727 728 732 734 740 743 754 757 762 765 770 771 772 774 781 786 802 803 804 810 813 814 821 826 828 835 838 839 843 845 848 854 856 857 859 860 862 863 864 865 878 904 908 910 912 914 917 919 929 934 937 941 943 947 948 954 959 973 978 980 984 989|America/Chicago=205 210 214 217 218 219 224 225 228 235 251 254 256 262 274 281 309 312 314 316 318 319 320 325 327 331 334 337 346 353 357 361 402 405 409 414 417 430 432 447 457 464 469 479 483 501 504 507 512 515 531 534 539 557 563 572 573 580 601 608 612 615 618 620 621 629 630 636 641 651 659 660 662 682 708 712 713 715 726 730 731 737 763 769 773 779 785 806 815 816 817 830 832 847 861 870 872 901 903 913 918 920 924 931 936 938 940 945 952 956 972 975 979 985|America/Denver=303 307 385 406 435 505 575 719 720 748 801 915 970 983|America/Phoenix=480 520 602 623 928|America/Los_Angeles=206 209 213 253 279 310 323 341 350 360 369 408 415 424 425 442 458 503 509 510 530 541 559 562 564 619 626 628 650 657 661 669 702 707 714 725 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951 971|America/Anchorage=907|Pacific/Honolulu=808|America/Halifax=428 506 782 902|America/Toronto=226 249 263 289 343 354 365 367 382 387 416 418 437 438 450 468 514 519 548 579 581 613 647 683 705 742 753 819 873 905 942|America/Winnipeg=204 431 584|America/Regina=306 474 639|America/Edmonton=368 403 587 780 825|America/Vancouver=236 250 604 672 778|America/Nassau=242|America/Barbados=246|America/Anguilla=264|America/Antigua=268|America/Tortola=284|America/St_Thomas=340|America/Cayman=345|Atlantic/Bermuda=441|America/Grenada=473|America/Grand_Turk=649|America/Jamaica=658 876|America/Montserrat=664|Pacific/Saipan=670|Pacific/Guam=671|Pacific/Pago_Pago=684|America/Lower_Princes=721|America/St_Lucia=758|America/Dominica=767|America/St_Vincent=784|America/Puerto_Rico=787 939|America/Santo_Domingo=809 829 849|America/Port_of_Spain=868|America/St_Kitts=869';

/** Beginnings of numbers in E.164 (without the plus) in countries of several zones. Mobile numbers, which tell no place, are left out where they have a beginning of their own. */
const NUMBERS =
  'Europe/Madrid=34|Atlantic/Canary=34822 34828 34922 34928|Europe/Lisbon=351|Atlantic/Azores=351292 351295 351296|Atlantic/Madeira=351291|America/Santiago=56|America/Punta_Arenas=5661|America/Guayaquil=593|Pacific/Auckland=64|America/Mexico_City=522 524 525 527|America/Monterrey=5281|America/Merida=52999|America/Cancun=52998 52983 52984|America/Hermosillo=52662|America/Tijuana=52664|Australia/Sydney=612|Australia/Melbourne=613|Australia/Brisbane=617|Asia/Jakarta=622 623 626 627|Asia/Makassar=624 6236|Asia/Jayapura=629|Asia/Almaty=76 77|Europe/Moscow=747 748 749 781|Asia/Yekaterinburg=734 735|America/Sao_Paulo=5511-5528 5531-5538 5541-5549 5551-5555 5561 5562 5564|America/Araguaina=5563|America/Cuiaba=5565 5566|America/Campo_Grande=5567|America/Rio_Branco=5568|America/Porto_Velho=5569|America/Bahia=5571-5577|America/Maceio=5579 5582|America/Recife=5581 5587|America/Fortaleza=5583-5586 5588 5589 5598 5599|America/Belem=5591 5593 5594 5596|America/Manaus=5592 5597|America/Boa_Vista=5595';

const indexes = new Map<string, ReadonlyMap<string, string>>();

/** The zone of a subdivision (ISO 3166-2 code without the country), or undefined where it spans two. */
export function zoneOfState(country: string, state: string): string | undefined {
  return STATES[country] === undefined ? undefined : tableOf(`state ${country}`, STATES[country]).get(state);
}

/** The zone of a postal code, by its beginning, where that is certain. */
export function zoneOfPostalCode(country: string, postalCode: string): string | undefined {
  const table = POSTAL_CODES[country];
  if (table === undefined) return undefined;
  return byBeginning(tableOf(`postal ${country}`, table), postalCode, 5);
}

/** The zone of a number in a country of several zones, by its beginning; `digits` is E.164 without the plus. */
export function zoneOfNumber(digits: string): string | undefined {
  return digits.startsWith('1') ? tableOf('area', AREA_CODES).get(digits.slice(1, 4)) : byBeginning(tableOf('number', NUMBERS), digits, 6);
}

function byBeginning(table: ReadonlyMap<string, string>, text: string, longest: number): string | undefined {
  const zone = longestPrefix(table, text, longest);
  return zone === '-' ? undefined : zone;
}

function tableOf(name: string, table: string): ReadonlyMap<string, string> {
  const known = indexes.get(name);
  if (known !== undefined) return known;
  const made = new Map([...readPrefixTable(table)].map(([beginning, zone]) => [beginning, zoneNamed(zone)?.name ?? zone]));
  indexes.set(name, made);
  return made;
}
