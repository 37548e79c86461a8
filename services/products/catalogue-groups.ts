import type { z } from "zod";
import type { catalogueLine } from "../../contracts/product-schemas.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { GroupDocument, ProductDocument } from "./documents.ts";
import { newId, ON_SALE } from "./model.ts";
import type { GroupStore } from "./variants.ts";

/** A line of a catalogue, with its number in the file. */
export type Line = z.output<typeof catalogueLine> & { line: number };

type Groups = GroupStore["groups"];
type Details = Pick<GroupDocument, "name" | "description" | "category">;

/** The groups that lines of a catalogue name, and what the lines make of them. */
export interface GroupsOfLines {
	/** By what the lines call them, or the reason why it is unclear which one is meant. */
	named: Map<string, GroupDocument | string>;
	/** By id: also the groups that products are in already. */
	byId: Map<string, GroupDocument>;
	/** The groups that do not exist, with the line that creates each. */
	created: Map<Line, GroupDocument>;
	/** New details of groups, with the line that gives them. */
	updated: Map<Line, { group: GroupDocument; details: Partial<Details> }>;
}

/**
 * Finds the groups of lines: by key, id or name, in this order.
 *
 * @param products Known products by SKU.
 * @param makes Lines that may create a group.
 */
export async function groupsOfLines(
	groups: Groups,
	lines: Line[],
	products: ReadonlyMap<string, ProductDocument>,
	makes: (line: Line) => boolean,
): Promise<GroupsOfLines> {
	const keys = [...new Set(lines.flatMap(({ group }) => group ?? []))];
	const ids = new Set([...products.values()].flatMap(({ group_id }) => group_id ?? []));
	const found: GroupsOfLines = {
		named: keys.length > 0 ? await findNamed(groups, keys) : new Map(),
		byId: new Map(),
		created: new Map(),
		updated: new Map(),
	};
	const own = ids.size > 0 ? await groups.find({ query: { _id: { $in: [...ids] }, ...ON_SALE } }) : [];
	for (const group of [...own, ...found.named.values()]) {
		if (typeof group !== "string") {
			found.byId.set(group._id, group);
		}
	}
	const described = new Set<string>();
	for (const line of lines) {
		if (typeof line.group !== "string") {
			continue;
		}
		const known = found.named.get(line.group);
		if (known === undefined && line.options && makes(line)) {
			const group = newGroup(line.group, line, products.get(line.sku));
			found.named.set(line.group, group);
			found.byId.set(group._id, group);
			found.created.set(line, group);
			described.add(line.group);
		} else if (known !== undefined && typeof known !== "string" && !described.has(line.group)) {
			const details = changedDetails(known, line);
			if (details) {
				found.updated.set(line, { group: known, details });
				described.add(line.group);
			}
		}
	}
	return found;
}

/**
 * Creates and changes the groups. One that another import creates at the same moment takes the place of the own one.
 */
export async function writeGroups(groups: Groups, found: GroupsOfLines): Promise<void> {
	for (const [line, group] of found.created) {
		const stored = await insertGroup(groups, group);
		if (stored._id !== group._id) {
			found.byId.delete(group._id);
			found.created.delete(line);
		}
		found.byId.set(stored._id, stored);
		found.named.set(line.group as string, stored);
	}
	for (const { group, details } of found.updated.values()) {
		const updated_at = new Date().toISOString();
		await groups.updateMany({ _id: group._id, ...ON_SALE }, { $set: { ...details, updated_at } });
	}
}

async function findNamed(groups: Groups, keys: string[]): Promise<GroupsOfLines["named"]> {
	const [byKey, byId, byName] = await Promise.all(
		(["key", "_id", "name"] as const).map((field) =>
			groups.find({ query: { [field]: { $in: keys }, ...ON_SALE } }),
		),
	);
	const named: GroupsOfLines["named"] = new Map();
	for (const { name } of byName ?? []) {
		const same = (byName ?? []).filter((other) => other.name === name);
		const why = `group: ${same.length} groups are called ${name}: write the id of one, such as ${same[0]?._id}`;
		named.set(name, same.length > 1 ? why : (same[0] as GroupDocument));
	}
	for (const group of byId ?? []) {
		named.set(group._id, group);
	}
	for (const group of byKey ?? []) {
		named.set(group.key as string, group);
	}
	return named;
}

function newGroup(key: string, line: Line, product: ProductDocument | undefined): GroupDocument {
	const now = new Date().toISOString();
	return {
		...{ _id: newId(), key },
		name: line.group_name ?? key,
		description: line.group_description ?? "",
		category: line.group_category ?? line.category ?? (product?.category as string),
		options: Object.keys(line.options as object),
		...{ created_at: now, updated_at: now, removed_at: null },
	};
}

/** Returns the details that a line gives and the group does not have yet; undefined if there are none. */
function changedDetails(group: GroupDocument, line: Line): Partial<Details> | undefined {
	const { group_name: name, group_description: description, group_category: category } = line;
	const changed = Object.entries({ name, description, category }).filter(
		([field, value]) => value !== undefined && value !== group[field as keyof Details],
	);
	return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

async function insertGroup(groups: Groups, group: GroupDocument): Promise<GroupDocument> {
	for (;;) {
		try {
			return await groups.insert(group);
		} catch (error) {
			if (!isDuplicate(error)) {
				throw error;
			}
			const { key } = group;
			const existing = await groups.findOne({ key });
			if (existing?.removed_at === null) {
				return existing;
			}
			// Processes of an earlier version remove groups and know no key.
			await groups.updateMany({ key, removed_at: { $ne: null } }, { $unset: { key: true } });
		}
	}
}
