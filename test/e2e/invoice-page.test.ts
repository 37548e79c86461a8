import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Browser, findBrowser, NEEDS_BROWSER } from "../../tools/browser.ts";
import { cleanUp, signUp, startShop } from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { preparedFolder } from "./prepared-folder.ts";

const program = await findBrowser();

if (program === undefined) {
	notRun("an invoice in a browser", NEEDS_BROWSER);
} else {
	describe("an invoice in a browser", () => pageTests(program));
}

/** Node of the accessibility tree. */
interface Node {
	ignored: boolean;
	role?: { value: string };
	name?: { value: string };
	properties?: { name: string; value: { value: unknown } }[];
}

function pageTests(program: string): void {
	let address: string;
	let token: string;
	let invoice: string;
	let browser: Browser;

	beforeAll(async () => {
		const shop = await startShop(await preparedFolder(), { TAX_RATE: "11" });
		address = shop.address;
		token = await signUp(shop.request, "siti");
		const { body: products } = await shop.request("GET", "/api/v1/products?limit=60&in_stock=true");
		const items = products.map(({ id }: { id: string }) => ({ product_id: id, quantity: 1 }));
		const body = { items, shipping_address: `"><script>document.title = "owned"</script>\nJalan Braga 1` };
		const { body: order } = await shop.request("POST", "/api/v1/orders", { token, body });
		await shop.request("POST", `/api/v1/orders/${order.id}/pay`, { token });
		invoice = `${address}/api/v1/orders/${order.id}/invoice`;
		browser = await Browser.open(program);
	});

	afterAll(async () => {
		await browser?.close();
		await cleanUp();
	});

	const load = (language: string) =>
		browser.load(invoice, { authorization: `Bearer ${token}`, "accept-language": language });

	test("loads nothing else, breaks no policy, and has the style of its sheet", async () => {
		await load("en");
		expect(
			browser.events("Network.requestWillBeSent").map(({ request }) => (request as { url: string }).url),
		).toEqual([invoice]);
		expect(browser.events("Log.entryAdded")).toEqual([]);
		expect(browser.events("Runtime.exceptionThrown")).toEqual([]);
		expect(await browser.evaluate("document.title")).toBe("Invoice INV-000001");
		expect(await browser.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse")).toBe(
			"collapse",
		);
		expect(await browser.evaluate("document.querySelector('address span').textContent")).toBe("Toko");
	});

	test.each([
		["en", "Invoice INV-000001", ["No.", "Item", "Quantity", "Unit price", "Discount", "Tax", "Paid"]],
		["id", "Faktur INV-000001", ["No.", "Barang", "Jumlah", "Harga satuan", "Diskon", "Pajak", "Dibayar"]],
	])(
		"is accessible in %s: language, landmarks, headings, tables with heads",
		async (language, title, columns) => {
			await load(language);
			expect(await browser.evaluate("document.documentElement.lang")).toBe(language);
			const { nodes } = (await browser.send("Accessibility.getFullAXTree")) as { nodes: Node[] };
			const named = (role: string) =>
				nodes.filter((node) => !node.ignored && node.role?.value === role).map(({ name }) => name?.value);
			expect(named("main")).toHaveLength(1);
			const levels = nodes
				.filter(({ role }) => role?.value === "heading")
				.map(({ properties = [] }) => properties.find(({ name }) => name === "level")?.value.value);
			expect(levels).toEqual([1, 2, 2]);
			expect(named("heading")[0]).toBe(title);
			expect(named("columnheader")).toEqual(columns);
			expect(named("rowheader").length).toBeGreaterThanOrEqual(4);
			expect(named("table").every(Boolean)).toBe(true);
			expect(named("table")).toHaveLength(2);
		},
	);

	test("has text of enough contrast, and does not scroll sideways on a telephone", async () => {
		await load("en");
		const contrasts = (await browser.evaluate(CONTRASTS)) as number[];
		expect(contrasts.length).toBeGreaterThan(50);
		expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5);
		await browser.send("Emulation.setDeviceMetricsOverride", {
			...{ width: 360, height: 640, deviceScaleFactor: 1, mobile: true },
		});
		expect(await browser.evaluate("document.documentElement.scrollWidth")).toBe(360);
		await browser.send("Emulation.clearDeviceMetricsOverride");
	});

	test("prints on several pages of A4 with nothing cut off", async () => {
		await load("en");
		const { data } = await browser.send("Page.printToPDF", {
			preferCSSPageSize: true,
			printBackground: false,
		});
		const pdf = Buffer.from(data, "base64").toString("latin1");
		const boxes = [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, width, height]) => [
			Math.round(Number(width)),
			Math.round(Number(height)),
		]);
		expect(boxes.length).toBeGreaterThanOrEqual(2);
		expect(new Set(boxes.map(String))).toEqual(new Set(["595,842"]));
		await browser.send("Emulation.setEmulatedMedia", { media: "print" });
		await browser.send("Emulation.setDeviceMetricsOverride", {
			// The width between the margins of A4, in CSS pixels.
			...{ width: 673, height: 987, deviceScaleFactor: 1, mobile: false },
		});
		expect(await browser.evaluate("document.documentElement.scrollWidth")).toBe(673);
		expect(await browser.evaluate("getComputedStyle(document.querySelector('thead')).display")).toBe(
			"table-header-group",
		);
	});
}

/** Contrasts of all texts with white, the colour of the page (WCAG 2.2, 1.4.3). */
const CONTRASTS = `
	[...document.querySelectorAll("main *")].filter((element) => element.children.length === 0 && element.textContent)
		.map((element) => {
			const [r, g, b] = getComputedStyle(element).color.match(/[0-9.]+/g).map((value) => {
				const share = value / 255;
				return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
			});
			return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
		})`;
