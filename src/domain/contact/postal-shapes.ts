/**
 * How postal codes are built, by country (facts of the national posts and the Universal Postal Union).
 * One line a country: `alpha2 shapes[ ; limit][ ; prefixes]`.
 *
 * A shape is the canonical form: `9` a digit, `A` a letter, `#` either; `a` is the letter A, `_` a space, anything else stands for itself. Shapes of one country are parted by `|`; what follows a `/` is another way to part the same code.
 * The limit is a regular expression on the code without separators. Prefixes are country marks that may precede the code
 * and are no part of it (alpha-2 always may). A country that is not listed has no postal codes.
 * Ireland's limit lets B pass, which is in no code that was given out but in many that are taken for one.
 */
export const POSTAL_SHAPES = `
AC aSCN_1ZZ
AD aD999 ; AD[1-7]\\d\\d
AF 9999
AI aI-2640
AL 9999
AM 9999 ; [0-4]\\d{3}
AR A9999AAA|A9999|9999 ; ([A-HJ-NP-Z]?[1-9]\\d{3}|[A-HJ-NP-Z]\\d{4}[A-Z]{3})
AS 99999|99999-9999 ; 96799(\\d{4})?
AT 9999 ; [1-9]\\d{3} ; A AUT
AU 9999 ; (?!2899|679[89]|00)\\d{4}
AX 99999 ; 22\\d{3} ; FI FIN
AZ 9999 ; (0[1-9]|[1-8]\\d)\\d\\d
BA 99999 ; (7\\d|8[089])\\d{3} ; BIH
BB BB99999
BD 9999 ; (?!95|9[6-9])[1-9]\\d{3}
BE 9999 ; [1-9]\\d{3} ; B BEL
BF 99999 ; [1-9]\\d{4}
BG 9999 ; [1-9]\\d{3}
BH 999|9999 ; ([1-9]\\d\\d|1[0-2]\\d\\d|0[1-9]\\d\\d)
BL 99999 ; 97133|9709\\d
BM AA_99|AA_AA ; (CR|DD|DV|FL|GE|HM|HS|MA|PG|SB|SN|WK)(\\d\\d|[A-Z]{2})
BN AA9999 ; [BKTP][A-Z]\\d{4}
BR 99999-999|99999
BT 99999 ; [1-4]\\d{4}
BY 999999 ; 2\\d{5}
CA A9A_9A9 ; [ABCEGHJ-NPRSTVXY]\\d[ABCEGHJ-NPRSTV-Z]\\d[ABCEGHJ-NPRSTV-Z]\\d
CC 9999 ; 6799
CH 9999 ; (?!948[5-9]|949)[1-9]\\d{3} ; CHE
CK 9999
CL 9999999/999-9999
CN 999999
CO 999999
CR 99999|9999
CU 99999
CV 9999
CX 9999 ; 6798
CY 9999 ; [1-9]\\d{3}
CZ 999_99 ; [1-7]\\d{4}
DE 99999 ; (?!00)\\d{5} ; D DEU
DK 9999 ; (?!3[89])(0[89]|[1-9]\\d)\\d\\d ; DNK
DO 99999
DZ 99999
EC 999999|A9999A ; (\\d{6}|[A-Z]\\d{4}[A-Z])
EE 99999 ; [1-9]\\d{4} ; EST
EG 99999|9999999
EH 99999 ; 7\\d{4}
ES 99999 ; (0[1-9]|[1-4]\\d|5[0-2])\\d{3} ; E ESP
ET 9999
FI 99999 ; (?!22\\d{3})\\d{5} ; FIN
FK FIQQ_1ZZ
FM 99999|99999-9999 ; 9694[1-4](\\d{4})?
FO 999 ; [1-9]\\d\\d
FR 99999/99_999 ; (?!97[1-8]|98[04678]|00)\\d{5} ; F FRA
GB AA99_9AA|A99_9AA|AA9_9AA|A9_9AA|AA9A_9AA|A9A_9AA|GIR_0aa|BFPO_9|BFPO_99|BFPO_999|BFPO_9999
GE 9999|999999
GF 99999 ; 973\\d\\d
GG GY9_9AA|GY99_9AA ; GY([1-9]|10)\\d[A-Z]{2}
GH A#-999-9999|A#-9999-9999|A#-99999-9999|A#-999|A#-9999|A#-99999|A# ; [ABCEGNUVWX][A-Z2-9](\\d{3,5}(\\d{4})?)?
GI GX11_1aa
GL 9999 ; 39\\d\\d
GN 999
GP 99999 ; (?!97133|97150)971\\d\\d
GR 999_99
GS SIQQ_1ZZ
GT 99999
GU 99999|99999-9999 ; 969([12]\\d|3[12])(\\d{4})?
GW 9999
HM 9999
HN 99999
HR 99999 ; [1-5]\\d{4}
HT HT9999
HU 9999 ; [1-9]\\d{3} ; H HUN
ID 99999 ; [1-9]\\d{4}
IE A##_####|A## ; (D6W|[AC-FHKNPRTV-Y]\\d\\d)([0-9A-FHKNPRTV-Y]{4})?
IL 9999999|99999
IM IM9_9AA|IM99_9AA ; IM[1-9]\\d?\\d[A-Z]{2}
IN 999999/999_999 ; [1-9]\\d{5}
IO BBND_1ZZ
IQ 99999 ; [1-6]\\d{4}
IR 99999-99999|9999999999
IS 999 ; [1-9]\\d\\d
IT 99999 ; (?!4789|00120)\\d{5} ; I ITA
JE JE9_9AA|JE99_9AA ; JE\\d{2,3}[A-Z]{2}
JO 99999
JP 999-9999
KE 99999
KG 999999
KH 99999|999999
KN KN9999 ; KN(0[1-9]|1[0-2])\\d\\d
KR 99999|999-999
KW 99999
KY KY9-9999
KZ 999999|A99A9A9
LA 99999 ; (0[1-9]|1[0-8])\\d{3}
LB 9999_9999|9999
LC LC99__999
LI 9999 ; 948[5-9]|949\\d ; FL
LK 99999
LR 9999
LS 999
LT 99999 ; \\d{5} ; LTU
LU 9999 ; [1-9]\\d{3} ; L LUX
LV LV-9999
MA 99999 ; [1-9]\\d{4}
MC 99999 ; 980\\d\\d
MD MD-9999 ; MD[2-7]\\d{3}
ME 99999 ; 8[1458]\\d{3} ; MNE
MF 99999 ; 97150
MG 999 ; [1-6]\\d\\d
MH 99999|99999-9999 ; 969[67]\\d(\\d{4})?
MK 9999 ; [1267]\\d{3} ; NMK
MM 99999|9999999
MN 99999|999999
MP 99999|99999-9999 ; 9695[0-2](\\d{4})?
MQ 99999 ; 972\\d\\d
MS MSR9999 ; MSR1[1-3][1235]0
MT AAA_9999|AAA_99
MU 99999|999AA999 ; ([1-9AR]\\d{4}|\\d{3}[A-Z]{2}\\d{3})
MV 99999 ; [0-2]\\d{4}
MW 999999 ; [1-3]\\d{5}
MX 99999
MY 99999
MZ 9999
NA 99999 ; [12]\\d{4}
NC 99999 ; 988\\d\\d
NE 9999
NF 9999 ; 2899
NG 999999 ; [1-9]\\d{5}
NI 99999
NL 9999_AA ; [1-9]\\d{3}[A-Z]{2} ; NLD
NO 9999 ; (?!8099|917\\d)\\d{4} ; N NOR
NP 99999
NR NRU68
NU 9999 ; 9974
NZ 9999
OM 999 ; [1-9]\\d\\d ; PC
PA 9999
PE 99999|LIMa_9|LIMa_99|CaLLaO_9|CaLLaO_99
PF 99999 ; 987\\d\\d
PG 999
PH 9999
PK 99999
PL 99-999
PM 99999 ; 975\\d\\d
PN PCRN_1ZZ
PR 99999|99999-9999 ; 00[679]\\d\\d(\\d{4})?
PT 9999-999 ; [1-9]\\d{6} ; P PRT
PW 99999 ; 969(39|40)
PY 9999|999999
RE 99999 ; 97[478]\\d\\d
RO 999999
RS 99999|999999 ; [1-3]\\d{4}|\\d{6} ; SRB
RU 999999 ; [1-6]\\d{5}
SA 99999|99999-9999
SD 99999
SE 999_99 ; [1-9]\\d{4} ; S SWE
SG 999999 ; \\d{6} ; S
SH STHL_1ZZ|aSCN_1ZZ
SI 9999 ; [1-689]\\d{3} ; SLO
SJ 9999 ; 8099|917\\d
SK 999_99 ; [089]\\d{4}
SM 99999 ; 4789\\d ; RSM
SN 99999
SO 99999|AA_99999
SS 99999
SV CP_9999
SZ A999 ; [HLMS]\\d{3}
TA TDCU_1ZZ
TC TKCa_1ZZ
TF 99999 ; 984\\d\\d
TH 99999|99999-9999 ; [1-9]\\d{4}(\\d{4})?
TJ 999999
TM 999999
TN 9999 ; [1-9][012]\\d\\d
TR 99999
TT 999999
TW 999|999-99|999-999
TZ 99999|9999
UA 99999
UM 99999|99999-9999 ; 96898(\\d{4})?
US 99999|99999-9999
UY 99999
UZ 999999 ; (1\\d|2[0-3])\\d{4}
VA 99999 ; 00120
VC VC9999 ; VC0[1-4]\\d\\d
VE 9999
VG VG9999 ; VG11[1-6]0
VI 99999|99999-9999 ; 008\\d\\d(\\d{4})?
VN 999999|99999
WF 99999 ; 986\\d\\d
WS WS9999 ; WS(1[1-4]|2[1-6])\\d\\d
XK 99999 ; [1-7]\\d{4} ; RKS
YT 99999 ; 97[6]\\d\\d|985\\d\\d
ZA 9999
ZM 99999
`;

/** Post town areas of the United Kingdom, with the areas of large users and of the forces. */
export const UK_AREAS =
  'AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU HA HD HG HP HR HS HU HX IG IP IV KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE';
