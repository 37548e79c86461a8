import { afterAll, expect, test } from "@jest/globals";
import {
	cleanUp,
	logIn,
	newFolder,
	powerCut,
	processesOf,
	run,
	signUp,
	startShop,
	until,
} from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { BlockDevice, whyNoBlockDevice } from "./block-device.ts";

const ADMIN = { ADMIN_EMAIL: "keeper@toko.test", ADMIN_PASSWORD: "rahasia-sekali" };
const UNITS = 10;
/** Number of power cuts, for instance `POWER_CUTS=10 npm test -- block-device`. */
// biome-ignore lint/style/noProcessEnv: given by a person who wants to see more.
const ROUNDS = Number(process.env.POWER_CUTS ?? 1);
const why = whyNoBlockDevice();

let device: BlockDevice | undefined;

afterAll(async () => {
	await cleanUp();
});

function signalAll(folder: string, signal: NodeJS.Signals): void {
	for (const pid of processesOf(folder)) {
		try {
			process.kill(pid, signal);
		} catch {
			// It has exited.
		}
	}
}

if (why === undefined) {
	test(
		"confirmed writes are on the disk when the power is cut: no unit is sold again",
		async () => {
			const folder = newFolder();
			device = BlockDevice.make(folder);
			try {
				for (let round = 0; round < ROUNDS; round++) {
					const shop = await startShop(folder, ADMIN);
					const admin = await logIn(shop.request, ADMIN.ADMIN_EMAIL, ADMIN.ADMIN_PASSWORD);
					const described = { name: "Kopi", description: "", price: 5000, stock: UNITS, category: "kopi" };
					const { body: product } = await shop.request("POST", "/api/v1/products", {
						body: described,
						token: admin,
					});
					const token = await signUp(shop.request, `budi${round}`);
					const body = { items: [{ product_id: product.id, quantity: 1 }] };
					const paid: string[] = [];
					while (paid.length < UNITS) {
						const placed = await shop.request("POST", "/api/v1/orders", { body, token });
						expect(placed.status).toBe(201);
						const { status } = await shop.request("POST", `/api/v1/orders/${placed.body.id}/pay`, { token });
						expect(status).toBe(200);
						paid.push(placed.body.id);
					}

					// Without flushing first: anything not on the device by now is lost.
					signalAll(folder, "SIGSTOP");
					const copied = device.copy();
					powerCut(folder);
					await until("everything to be dead", () => processesOf(folder).length === 0);
					device = device.replaceBy(copied);

					const again = await startShop(folder, ADMIN);
					const { body: found } = await again.request("GET", `/api/v1/products/${product.id}`);
					expect(found).toMatchObject({ id: product.id, stock: 0 });
					const late = await again.request("POST", "/api/v1/orders", { body, token });
					expect(late).toMatchObject({ status: 409, body: { code: "OUT_OF_STOCK" } });
					for (const id of paid) {
						const { body: order } = await again.request("GET", `/api/v1/orders/${id}`, { token });
						expect(order).toMatchObject({ id, status: "paid" });
					}
					await until("every mail to be sent", async () => {
						const mails = await again.request("GET", "/api/v1/notifications?limit=100", { token });
						return (
							mails.body.filter(({ status }: { status: string }) => status === "sent").length ===
							1 + 2 * UNITS
						);
					});
					const audit = run(folder, ["audit"]);
					expect([await audit.ended(), audit.output()]).toEqual([0, expect.stringMatching(/^no breach$/m)]);
					again.child.kill("SIGTERM");
					await again.ended();
					await until("nothing to be left", () => processesOf(folder).length === 0);
				}
			} finally {
				powerCut(folder);
				await until("everything to be dead", () => processesOf(folder).length === 0);
				device.remove();
			}
		},
		600_000 * ROUNDS,
	);
} else {
	notRun("a power cut on a block device", why);
}
