import { expect } from "@jest/globals";
import type { Move } from "../../database/store-move.ts";
import type { ProductDocument } from "../../services/products/documents.ts";
import { type Lease, takeLease } from "../../tools/move/lease.ts";
import { type Direction, moveBetween } from "../../tools/move/move.ts";
import type { Side } from "../../tools/move/sides.ts";
import { summaryOf } from "../../tools/move/summary.ts";
import { onMongo } from "./stores.ts";
import { contentsOf, fillFile, fillGroups, move, openBoth } from "./two-stores.ts";

/** Death of the process that moves. */
class Killed extends Error {}

/** Number of writes until the process dies: an odd number dies after the write, before its answer. */
interface Life {
	left: number;
}

const mortal =
	<A extends unknown[], R>(life: Life, write: (...parameters: A) => Promise<R>) =>
	async (...parameters: A): Promise<R> => {
		for (const isMade of [false, true]) {
			if (life.left-- <= 0) {
				if (isMade) {
					await write(...parameters);
				}
				throw new Killed();
			}
		}
		return write(...parameters);
	};

function mortalSide<S extends Side>(life: Life, side: S): S {
	const collection = <C extends Side["products"] | Side["pages"] | Side["groups"]>(adapter: C): C =>
		({
			find: adapter.find.bind(adapter),
			count: adapter.count.bind(adapter),
			inBatches: adapter.inBatches.bind(adapter),
			insertMany: mortal(life, (documents): Promise<unknown> => adapter.insertMany(documents as never)),
			removeMany: mortal(life, (query: object) => adapter.removeMany(query)),
		}) as unknown as C;
	return {
		...side,
		products: collection(side.products),
		pages: collection(side.pages),
		groups: collection(side.groups),
		writeValues: mortal(life, side.writeValues),
		replaceMove: mortal(life, side.replaceMove),
	};
}

onMongo.each<Direction>(["to", "from"])(
	"a move %s the server that is killed at any write loses no product and never leaves both stores open",
	async (direction) => {
		await fillFile(4);
		await fillGroups();
		if (direction === "from") {
			await move("to");
		}
		const { file, server } = await openBoth();
		const [source, target] = direction === "to" ? [file, server] : [server, file];
		const before = await contentsOf(source);
		const closed = await target.readMove();
		const run = async (life: Life) => {
			let lease: Lease | undefined;
			const take = async (token: string, earlier?: string): Promise<Lease> => {
				lease = await takeLease(server.db, server.where, file.where, token, earlier);
				return { ...lease, close: mortal(life, lease.close) };
			};
			const sides = [mortalSide(life, source), mortalSide(life, target)] as const;
			const taken = direction === "to" ? async () => undefined : take;
			return moveBetween(...sides, taken, () => undefined).finally(() => lease?.release());
		};
		let kills = 0;
		for (let writes = 0; ; writes++) {
			const error = await run({ left: writes }).then(
				() => undefined,
				(thrown) => thrown,
			);
			if (error === undefined) {
				break;
			}
			expect(error).toBeInstanceOf(Killed);
			kills++;
			const isTargetOpen = (await target.readMove()) === undefined;
			if ((await source.readMove()) === undefined && isTargetOpen) {
				expect(await contentsOf(target)).toMatchObject({ products: [], pages: [] });
			}
			expect(await contentsOf(source)).toEqual(before);

			expect(await run({ left: Number.POSITIVE_INFINITY })).toMatchObject({ to: target.where });
			expect(await contentsOf(target)).toEqual(before);
			expect(await target.readMove()).toBeUndefined();
			expect(await source.readMove()).toMatchObject({ state: "moved", to: target.where });

			// As it was before, for the next round.
			await source.replaceMove({ state: "moved" }, undefined);
			await target.products.removeMany({});
			await target.pages.removeMany({});
			await target.groups.removeMany({});
			if (closed) {
				await target.replaceMove(undefined, closed);
			}
		}
		expect(kills).toBeGreaterThanOrEqual(10);
	},
);

onMongo("a partial copy with foreign documents is replaced", async () => {
	await fillFile(3);
	const { file, server } = await openBoth();
	const [first, second] = (await file.products.find({})) as [ProductDocument, ProductDocument];
	const id = (await file.readValues()).STORE_ID as string;
	const move: Move = { state: "incoming", from: file.where, id, token: "x", isBegun: true };
	await server.replaceMove(undefined, move);
	await server.products.insertMany([
		{ ...first, stock: 1 },
		{ ...second, _id: "of another time", holds: [] },
	]);
	await moveBetween(
		file,
		server,
		async () => undefined,
		() => undefined,
	);
	expect(await contentsOf(server)).toEqual(await contentsOf(file));
});

onMongo("the digest reveals every difference, even one that changes no total", async () => {
	await fillFile(3);
	const { file } = await openBoth();
	const none = () => undefined;
	const before = await summaryOf(file, none);
	expect(await summaryOf(file, none)).toEqual(before);
	const [{ _id, name }] = (await file.products.find({})) as [ProductDocument];
	await file.products.updateMany({ _id }, { $set: { name: "another" } });
	const after = await summaryOf(file, none);
	expect(after).toEqual({ ...before, digest: expect.any(String) });
	expect(after.digest).not.toBe(before.digest);
	await file.products.updateMany({ _id }, { $set: { name } });
	expect(await summaryOf(file, none)).toEqual(before);
});
