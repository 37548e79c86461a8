import { randomUUID } from "node:crypto";
import { settings } from "../../config/settings.ts";
import { STORE_ID } from "../../database/store-identity.ts";
import { closedStore, type Move } from "../../database/store-move.ts";
import { prepareFolder } from "../../infra/folder.ts";
import { ownProductsFileToMove } from "../../infra/lock.ts";
import { StartError } from "../../infra/start-error.ts";
import { copyDocuments } from "./copy.ts";
import { type Lease, takeLease } from "./lease.ts";
import { hasProductsFile, openFile, openServer, productsFile, type Side } from "./sides.ts";
import { differenceOf, type Summary, summaryOf } from "./summary.ts";

// The source is open and the target closed until the copy is complete and checked. Then the source is closed, and only
// after that the target is opened, so two stores are never open. These states are recorded in the stores, so the command
// resumes after a kill. No process changes the source during the copy: a file is locked, a server has the lease.

/** The end of a move. */
export interface Outcome {
	from: string;
	to: string;
	/** Contents of both stores; undefined if an earlier run had completed the move. */
	summary: Summary | undefined;
}

/** From the products' file to a server, or back. */
export type Direction = "to" | "from";

/**
 * Moves the products with everything that is stored with them, and closes the store that they leave.
 *
 * @param url URL of the MongoDB server; the other store is the file in `TOKO_DIR`.
 * @param progress Called with the share that is done.
 * @param interrupted Ends the move early when it rejects.
 * @throws StartError of one line if a process could change the products, or the target has others.
 */
export async function moveProducts(
	direction: Direction,
	url: string,
	progress: (share: number) => void,
	interrupted: Promise<never>,
): Promise<Outcome> {
	if (direction === "to" && !hasProductsFile()) {
		throw new StartError(
			`there are no products to move: ${productsFile()} is not there; set TOKO_DIR to the shop's folder`,
		);
	}
	const lock = await ownProductsFileToMove(await prepareFolder(settings.directory));
	const opened: Side[] = [];
	const leases: Lease[] = [];
	const run = async () => {
		const server = await openServer(url);
		opened.push(server);
		const file = await openFile();
		opened.push(file);
		if (direction === "to") {
			return moveBetween(file, server, async () => undefined, progress);
		}
		const take = async (token: string, earlier?: string) => {
			const lease = await takeLease(server.db, server.where, file.where, token, earlier);
			leases.push(lease);
			return lease;
		};
		return moveBetween(server, file, take, progress);
	};
	try {
		return await Promise.race([run(), interrupted]);
	} finally {
		await Promise.allSettled(leases.map((lease) => lease.release()));
		await Promise.allSettled(opened.map((side) => side.close()));
		lock.release();
	}
}

/**
 * Moves the products of one store to another.
 *
 * @param take Prevents changes of the source until the move has ended; a file is locked already.
 */
export async function moveBetween(
	source: Side,
	target: Side,
	take: (token: string, earlier?: string) => Promise<Lease | undefined>,
	progress: (share: number) => void,
): Promise<Outcome> {
	const places = { from: source.where, to: target.where };
	const closed = await source.readMove();
	const there = await target.readMove();
	if (closed?.state === "moved" && !there && (await idOf(target)) === closed.id) {
		return { ...places, summary: undefined };
	}
	const isLeft = closed?.state === "moved" && there?.state === "incoming" && there.id === closed.id;
	if (closed && closed.state !== "outgoing" && !isLeft) {
		throw new StartError(closedStore("products", source.where, closed));
	}
	const token = randomUUID();
	const lease = isLeft ? undefined : await take(token, there?.state === "incoming" ? there.token : undefined);
	await refuseRunning(source);
	const id = isLeft ? closed.id : await ensureId(source);
	await claim(source, target, id, token);
	const summary = await copy(source, target, progress);
	await target.writeValues({ ...(await source.readValues()), [STORE_ID]: id });
	if (!isLeft) {
		const move: Move = { state: "moved", to: target.where, isOnServer: target.isOnServer, id };
		const isClosed = await (lease ? lease.close(move) : source.replaceMove(undefined, move));
		if (!isClosed) {
			throw new StartError(
				`a products process has started on ${source.where} while this one stood still: stop it and run the command again`,
			);
		}
	}
	await target.replaceMove({ state: "incoming", id }, undefined);
	return { ...places, summary };
}

async function idOf(side: Side): Promise<string | undefined> {
	return (await side.readValues())[STORE_ID] as string | undefined;
}

/** Returns the id of the source, which has none if only an earlier version has run on it. */
async function ensureId(source: Side): Promise<string> {
	const id = await idOf(source);
	if (id !== undefined) {
		return id;
	}
	if ((await countOf(source)) === 0) {
		throw new StartError(`there are no products to move: ${source.where} is empty`);
	}
	const made = randomUUID();
	await source.writeValues({ [STORE_ID]: made });
	return made;
}

async function refuseRunning(side: Side): Promise<void> {
	const running = await side.running();
	if (running.length > 0) {
		throw new StartError(
			`products run on ${side.where} in ${running.join(", ")}: stop them before they are moved`,
		);
	}
}

async function countOf({ products, pages, groups }: Side): Promise<number> {
	const counts = [products, pages, groups].map((collection) => collection.count({ query: {} }));
	return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/**
 * Closes the target for everything but this move. It must be empty, or have this move's own incomplete copy, or products
 * that were moved from it to the source before.
 */
async function claim(source: Side, target: Side, id: string, token: string): Promise<void> {
	const found = await target.readMove();
	if (found && (found.state === "outgoing" || found.id !== id)) {
		throw new StartError(closedStore("products", target.where, found));
	}
	const isBegun = found !== undefined && (found.state === "moved" || found.isBegun);
	const refuseOthers = async () => {
		const documents = isBegun ? 0 : await countOf(target);
		if (documents > 0) {
			throw new StartError(
				`${target.where} has ${documents} products or pages of holds already: ${target.emptyOne}`,
			);
		}
	};
	await refuseOthers();
	const move: Move = { state: "incoming", from: source.where, id, token, isBegun };
	if (!(await target.replaceMove(found, move))) {
		throw new StartError(`another process moves products to ${target.where}: wait until it has ended`);
	}
	try {
		await refuseRunning(target);
		// Again, since a process may have written before it saw the note.
		await refuseOthers();
	} catch (error) {
		await target.replaceMove(move, isBegun ? found : undefined);
		throw error;
	}
	await target.replaceMove(move, { ...move, isBegun: true });
}

/** Copies all documents and reads both stores again, to compare them. */
async function copy(source: Side, target: Side, progress: (share: number) => void): Promise<Summary> {
	const documents = await countOf(source);
	let done = 0;
	const step = (more: number) => {
		done += more;
		// Each document is written once and read twice.
		progress(Math.min(1, done / (3 * documents)));
	};
	await copyDocuments(source, target, step);
	const summary = await summaryOf(source, step);
	const difference = differenceOf(summary, await summaryOf(target, step));
	if (difference !== undefined) {
		throw new StartError(
			`the copy in ${target.where} is not the same (${difference}): the products stay in ${source.where}; run the command again`,
		);
	}
	return summary;
}
