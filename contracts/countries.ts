/** Codes of countries (ISO 3166-1 alpha-2, 2024). The list of the runtime has others too, such as `EU` and `ZZ`. */
const COUNTRIES = new Set(
	`AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
	CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
	GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
	KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
	NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
	SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
	VN VU WF WS YE YT ZA ZM ZW`.split(/\s+/),
);

export function isCountry(code: string): boolean {
	return COUNTRIES.has(code);
}

interface PostalCodes {
	form: RegExp;
	/** The form in words, with an example. */
	message: string;
}

/** Postal codes of Indonesia and the countries around it. */
const POSTAL_CODES: Readonly<Record<string, PostalCodes>> = {
	ID: { form: /^\d{5}$/, message: "must be five digits, such as 40115" },
	MY: { form: /^\d{5}$/, message: "must be five digits, such as 50480" },
	TH: { form: /^\d{5}$/, message: "must be five digits, such as 10330" },
	SG: { form: /^\d{6}$/, message: "must be six digits, such as 238839" },
	PH: { form: /^\d{4}$/, message: "must be four digits, such as 1200" },
	AU: { form: /^\d{4}$/, message: "must be four digits, such as 3000" },
};

/** Postal codes of other countries have letters and digits, some with blanks or hyphens between them. */
const ANY_POSTAL_CODE: PostalCodes = {
	form: /^[0-9A-Z](?:[ -]?[0-9A-Z]){1,9}$/,
	message: "must be 2 to 10 letters or digits, such as SW1A 1AA",
};

/** Returns what is wrong with a postal code of a country; undefined if it has the right form. */
export function postalCodeError(country: string, postal_code: string): string | undefined {
	const { form, message } = POSTAL_CODES[country] ?? ANY_POSTAL_CODE;
	return form.test(postal_code) ? undefined : message;
}
