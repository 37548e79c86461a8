/** A method of shipping with all that it can have. */
export const REGULAR = {
	code: "reguler",
	name: "JNE Reguler",
	zones: [
		{ country: "ID", province: "Jawa Barat", postal_prefixes: null },
		{ country: "ID", province: null, postal_prefixes: ["10", "11"] },
	],
	bands: [
		{ up_to_g: 1000, fee: 9000 },
		{ up_to_g: 5000, fee: 29_000 },
	],
	per_extra_kg: 5000,
	free_from: 999_000,
	eta_days: 3,
};
