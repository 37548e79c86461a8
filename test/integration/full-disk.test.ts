import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { settings } from "../../config/settings.ts";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { notRun } from "../not-run.ts";
import { setVariables } from "../variables.ts";
import { eventually, newProduct, startNode, stockOf } from "./shop.ts";

const place = join(settings.directory, "small");
const ballast = join(place, "ballast");
const file = join(place, "products.db");
const mounted = mount();
let broker: ServiceBroker;

function mount(): string | undefined {
	mkdirSync(place);
	const { status, stderr, error } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], {
		encoding: "utf8",
	});
	return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

beforeAll(async () => {
	setVariables({ TOKO_DIR: place });
	broker = await startNode("products");
});

afterAll(async () => {
	await broker.stop();
	spawnSync("umount", ["--lazy", place]);
});

function fill(): void {
	for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
		try {
			writeFileSync(ballast, Buffer.alloc(size), { flag: "a" });
		} catch (error) {
			expect(error).toMatchObject({ code: "ENOSPC" });
		}
	}
}

function changeStock(id: string, quantity: number) {
	return callAction(broker, "v1.products.changeStock", { id, quantity }, asService());
}

const health = () => callAction(broker, "v1.products.health", {});

if (mounted === undefined) {
	test("a change that the disk has no space for is not made: not now, not on a repeat, not after a restart", async () => {
		const product = await newProduct(broker, 10);
		fill();
		// One of them may fit into the rest of a page; the next one does not.
		let stock = 10;
		const refused = await eventually("a refusal", async () => {
			const answer = await changeStock(product.id, 5).then(
				() => undefined,
				(error) => error,
			);
			stock += answer ? 0 : 5;
			return answer;
		});
		expect(refused).toMatchObject({ code: 503, type: "UNAVAILABLE" });
		await expect(health()).rejects.toMatchObject({ code: 503 });
		await eventually("the stock that the disk has", async () => {
			const row = await stockOf(broker, product.id).catch(() => undefined);
			return row?.stock === stock && row.supplied === stock;
		});
		await Promise.allSettled(Array.from({ length: 20 }, () => changeStock(product.id, 5)));
		await eventually("the same stock", async () => {
			const row = await stockOf(broker, product.id).catch(() => undefined);
			return row?.stock === stock;
		});

		rmSync(ballast);
		await eventually("health", () =>
			health().then(
				() => true,
				() => false,
			),
		);
		// A 503 has changed nothing, so the request can be retried until the circuit breaker closes.
		const changed = await eventually("a change", () => changeStock(product.id, 20).catch(() => undefined));
		expect(changed).toMatchObject({ stock: stock + 20 });
		await broker.stop();
		broker = await startNode("products");
		expect(await stockOf(broker, product.id)).toMatchObject({ stock: stock + 20, supplied: stock + 20 });
		for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
			expect(JSON.parse(line)).toBeDefined();
		}
	});
} else {
	notRun("a full disk under the products' file", mounted);
}
