import { z } from "zod";
import { action } from "./contract.ts";
import { comparedLine, opaqueId } from "./fields.ts";
import { newGroup, productGroup } from "./product-schemas.ts";

/** Kind of aggregate that lists of products and groups depend on. */
export const ANY_PRODUCT = "product";

/** The actions of products that are about groups of variants. */
export const groupActions = {
	createGroup: action({
		summary: "Add a group, whose variants differ in 1 to 3 options",
		permissions: "admin",
		example: {
			name: "Kaos Toko",
			description: "Katun.",
			category: "kaos",
			options: ["ukuran", "warna"],
		},
		params: newGroup,
		result: productGroup,
		rest: { method: "POST", path: "/product-groups", status: 201, location: "/product-groups/:id" },
		changes: () => [ANY_PRODUCT],
	}),
	getGroup: action({
		summary: "A group with its variants",
		permissions: "public",
		problems: ["PRODUCT_GROUP_NOT_FOUND"],
		params: z.strictObject({ id: opaqueId }),
		result: productGroup,
		rest: { method: "GET", path: "/product-groups/:id" },
		idempotent: true,
		cached: { fresh_ms: 1000, among: ANY_PRODUCT },
	}),
	updateGroup: action({
		summary:
			"Change a group; while it has variants, its options keep their names and only their order can change",
		permissions: "admin",
		problems: ["PRODUCT_GROUP_NOT_FOUND", "GROUP_HAS_VARIANTS"],
		example: { id: "01a20af7e8d300020f7306ec", name: "Kaos Toko" },
		params: z.strictObject({ id: opaqueId, ...newGroup.partial().shape }),
		result: productGroup,
		rest: { method: "PATCH", path: "/product-groups/:id" },
		idempotent: true,
		changes: () => [ANY_PRODUCT],
	}),
	removeGroup: action({
		summary: "Remove a group; its variants stay as products of their own, with their options",
		permissions: "admin",
		problems: ["PRODUCT_GROUP_NOT_FOUND"],
		params: z.strictObject({ id: opaqueId }),
		result: z.null(),
		rest: { method: "DELETE", path: "/product-groups/:id", status: 204 },
		changes: () => [ANY_PRODUCT],
	}),
	groups: action({
		summary: "Groups of products, by id or a part of the name, with the stock of their variants",
		permissions: "admin",
		params: z.strictObject({ group: comparedLine(1, 200).optional() }),
		result: z.array(
			z.strictObject({
				id: z.string(),
				name: z.string(),
				options: z.array(z.string()),
				variants: z.int(),
				stock: z.int(),
			}),
		),
		idempotent: true,
	}),
};
