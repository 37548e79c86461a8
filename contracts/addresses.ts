import { z } from "zod";
import { action } from "./contract.ts";
import { isCountry, postalCodeError } from "./countries.ts";
import { comparedLine, integerId, limit, line, moment, opaqueId, skip } from "./fields.ts";
import { phone } from "./phone.ts";
import { comparable } from "./text.ts";

/** Maximum number of addresses of a user. */
export const ADDRESSES_MAX = 50;

/** Ends the checks of an address, so that the postal code is not compared with the country as well. */
const ABORT = { abort: true };

/** A code as people write it, also in full-width characters: in capitals, without blanks at its ends. */
const code = z.string().overwrite((given) => comparable(given).normalize("NFKC").toUpperCase());

export const country = code
	.refine(isCountry, {
		error: "must be the code of a country with two letters (ISO 3166), such as ID",
		...ABORT,
	})
	.meta({ examples: ["ID"] });

const fields = {
	/** Person who receives the parcel. */
	recipient: line(1, 200),
	phone,
	line1: line(1, 200),
	line2: line(1, 200).nullable().optional(),
	// Zones of shipping compare provinces.
	city: comparedLine(1, 100),
	province: comparedLine(1, 100),
	postal_code: code
		.min(1, ABORT)
		.max(20, ABORT)
		.meta({ examples: ["40115"] }),
};

const EXAMPLE = {
	recipient: "Budi Santoso",
	phone: "+6281234567890",
	line1: "Jalan Braga 99",
	line2: null,
	city: "Bandung",
	province: "Jawa Barat",
	postal_code: "40115",
	country: "ID",
};

/** A postal address in a request, as its body. */
export const newAddress = z
	.strictObject({ ...fields, country: country.default("ID") })
	.superRefine(({ country, postal_code }, check) => {
		const message = postalCodeError(country, postal_code);
		if (message) {
			check.addIssue({ code: "custom", path: ["postal_code"], message });
		}
	});

/** A postal address as a field of a request, such as that of one order. */
export const address = newAddress.meta({ id: "Address", examples: [EXAMPLE] });

export type Address = z.output<typeof address>;

/** Fields of an address to change. Its service checks the postal code, because the country may be the stored one. */
export const addressChange = z.strictObject({ ...fields, country }).partial();

/** Fields of an address in a response: what was stored, valid or not by the rules of today. */
export const storedAddress = {
	recipient: z.string(),
	phone: z.string(),
	line1: z.string(),
	line2: z.string().nullable(),
	city: z.string(),
	province: z.string(),
	postal_code: z.string(),
	country: z.string(),
};

/** An address of the address book. */
export const savedAddress = z
	.strictObject({
		id: z.uuid(),
		...storedAddress,
		created_at: moment,
		updated_at: moment,
	})
	.meta({
		id: "SavedAddress",
		examples: [
			{
				id: "6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11",
				...EXAMPLE,
				created_at: "2026-11-23T08:00:00.000Z",
				updated_at: "2026-11-23T08:00:00.000Z",
			},
		],
	});

/** The actions of users about address books. */
export const addressActions = {
	listAddresses: action({
		summary: "One's own addresses, the oldest first",
		permissions: "user",
		params: z.strictObject({ skip, limit: limit(100) }),
		result: z.array(savedAddress),
		rest: { method: "GET", path: "/users/me/addresses" },
		idempotent: true,
	}),
	getAddress: action({
		summary: "One of one's own addresses",
		permissions: "user",
		problems: ["ADDRESS_NOT_FOUND"],
		params: z.strictObject({ id: opaqueId }),
		result: savedAddress,
		rest: { method: "GET", path: "/users/me/addresses/:id" },
		idempotent: true,
	}),
	addAddress: action({
		summary: "Add an address to one's own, at most 50",
		permissions: "user",
		problems: ["TOO_MANY_ADDRESSES"],
		example: {
			recipient: "Budi Santoso",
			phone: "+6281234567890",
			line1: "Jalan Braga 99",
			city: "Bandung",
			province: "Jawa Barat",
			postal_code: "40115",
		},
		params: newAddress,
		result: savedAddress,
		rest: { method: "POST", path: "/users/me/addresses", status: 201, location: "/users/me/addresses/:id" },
	}),
	updateAddress: action({
		summary:
			"Change fields of one of one's own addresses; orders keep the address that they were placed with",
		permissions: "user",
		problems: ["ADDRESS_NOT_FOUND"],
		example: { id: "6e0d1c1a-3b0f-4c57-9d0e-5a1f0c2b7d11", line2: "Lantai 2", postal_code: "40111" },
		params: z.strictObject({ id: opaqueId, ...addressChange.shape }),
		result: savedAddress,
		rest: { method: "PATCH", path: "/users/me/addresses/:id" },
		idempotent: true,
	}),
	removeAddress: action({
		summary: "Remove one of one's own addresses",
		permissions: "user",
		problems: ["ADDRESS_NOT_FOUND"],
		params: z.strictObject({ id: opaqueId }),
		result: z.null(),
		rest: { method: "DELETE", path: "/users/me/addresses/:id", status: 204 },
	}),
	addressOf: action({
		summary: "An address of a user, for an order that is sent to it",
		permissions: "service",
		problems: ["ADDRESS_NOT_FOUND"],
		params: z.strictObject({ user_id: integerId, id: opaqueId }),
		result: savedAddress,
		idempotent: true,
	}),
};
